using Onward.Optimizers;

namespace Onward.Tests.Optimizers;

public sealed class LarsTests
{
    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(0.9, 0.01, true)]
    [InlineData(0.9, 0.01, false)]
    public void Steps_meet_the_rule(double momentum, double weightDecay, bool decay) =>
        OptimizerSteps.Require(new Lars(momentum, weightDecay), decay, (w, v, force, rate) =>
        {
            double next = (momentum * v) + (rate * force);
            return (w - next, next);
        });

    [Theory]
    [InlineData(2, 4, 0.0005)]
    [InlineData(0, 4, 1)]
    [InlineData(2, 0, 1)]
    public void Trust_is_a_thousandth_of_the_ratio_of_norms_or_1_without_one(double values, double force, double expected) =>
        Assert.Equal(expected, Lars.Trust(values, force));
}
