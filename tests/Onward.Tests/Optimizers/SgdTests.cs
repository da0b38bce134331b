using Onward.Optimizers;

namespace Onward.Tests.Optimizers;

public sealed class SgdTests
{
    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(0.9, 0, true)]
    [InlineData(0.9, 0.01, true)]
    [InlineData(0.9, 0.01, false)]
    [InlineData(0, 0.5, true)]
    public void Steps_meet_the_rule(double momentum, double weightDecay, bool decay) =>
        OptimizerSteps.Require(new Sgd(momentum, weightDecay), decay, (w, v, force, rate) =>
        {
            double next = (momentum * v) + force;
            return (w - (rate * next), next);
        });

    [Fact]
    public void Rejects_lengths_that_differ()
    {
        Sgd sgd = new(0, 0);

        Assert.Contains(
            "3, 2 and 3",
            Assert.Throws<ArgumentException>(() => sgd.Update(new(new float[3], new float[2], new float[3]), 1, true)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => sgd.Update(new(new float[3], new float[3], new float[4]), 1, true));
    }
}
