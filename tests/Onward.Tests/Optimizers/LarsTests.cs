using Onward.Optimizers;

namespace Onward.Tests.Optimizers;

public sealed class LarsTests
{
    // 37 numbers: two whole vectors and a rest.
    private const int Length = 37;

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(0.9, 0.01, true)]
    [InlineData(0.9, 0.01, false)]
    public void Steps_meet_the_rule(double momentum, double weightDecay, bool decay)
    {
        Lars lars = new(momentum, weightDecay);
        float[] values = Numbers.Uniform(1, Length), velocity = new float[Length];
        double[] expected = Numbers.Widen(values), expectedVelocity = new double[Length];
        for (int step = 0; step < 6; step++)
        {
            float[] gradients = Numbers.Uniform(2 + step, Length);
            double rate = 0.1 / (step + 1);
            for (int i = 0; i < Length; i++)
            {
                expectedVelocity[i] = (momentum * expectedVelocity[i]) + (rate * (gradients[i] + (decay ? weightDecay * expected[i] : 0)));
                expected[i] -= expectedVelocity[i];
            }

            lars.Update(values, gradients, velocity, rate, decay);

            Tolerance.Near(expectedVelocity, velocity, Tolerance.Kernel, $"velocity after step {step}");
            Tolerance.Near(expected, values, Tolerance.Kernel, $"values after step {step}");
        }
    }

    [Theory]
    [InlineData(2, 4, 0.0005)]
    [InlineData(0, 4, 1)]
    [InlineData(2, 0, 1)]
    public void Trust_is_a_thousandth_of_the_ratio_of_norms_or_1_without_one(double values, double force, double expected) =>
        Assert.Equal(expected, Lars.Trust(values, force));
}
