using Onward.Optimizers;

namespace Onward.Tests.Optimizers;

public sealed class SgdTests
{
    // 37 numbers: two whole vectors and a rest.
    private const int Length = 37;

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(0.9, 0, true)]
    [InlineData(0.9, 0.01, true)]
    [InlineData(0.9, 0.01, false)]
    [InlineData(0, 0.5, true)]
    public void Steps_meet_the_rule(double momentum, double weightDecay, bool decay)
    {
        Sgd sgd = new(momentum, weightDecay);
        float[] values = Numbers.Uniform(1, Length), velocity = new float[Length];
        double[] expected = Numbers.Widen(values), expectedVelocity = new double[Length];
        for (int step = 0; step < 6; step++)
        {
            float[] gradients = Numbers.Uniform(2 + step, Length);
            double rate = 0.1 / (step + 1);
            for (int i = 0; i < Length; i++)
            {
                expectedVelocity[i] = (momentum * expectedVelocity[i]) + gradients[i] + (decay ? weightDecay * expected[i] : 0);
                expected[i] -= rate * expectedVelocity[i];
            }

            sgd.Update(values, gradients, velocity, rate, decay);

            Tolerance.Near(expectedVelocity, velocity, Tolerance.Kernel, $"velocity after step {step}");
            Tolerance.Near(expected, values, Tolerance.Kernel, $"values after step {step}");
        }
    }

    [Fact]
    public void Rejects_lengths_that_differ()
    {
        Sgd sgd = new(0, 0);

        Assert.Contains("3, 2 and 3", Assert.Throws<ArgumentException>(() => sgd.Update(new float[3], new float[2], new float[3], 1, true)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => sgd.Update(new float[3], new float[3], new float[4], 1, true));
    }
}
