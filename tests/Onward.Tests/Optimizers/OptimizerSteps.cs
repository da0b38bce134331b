using Onward.Optimizers;

namespace Onward.Tests.Optimizers;

/// <summary>Runs some steps of an optimiser on random gradients, and compares them with its rule in float64.</summary>
internal static class OptimizerSteps
{
    // 37 numbers: two whole vectors and a rest.
    private const int Length = 37;

    /// <summary>Requires that the optimiser follows a rule.</summary>
    /// <param name="optimizer">The optimiser.</param>
    /// <param name="decay">True to apply weight decay.</param>
    /// <param name="rule">Maps (value, velocity, gradient with decay, rate) to the next value and velocity.</param>
    internal static void Require(
        Optimizer optimizer, bool decay, Func<double, double, double, double, (double Value, double Velocity)> rule)
    {
        float[] values = Numbers.Uniform(1, Length), velocity = new float[Length];
        double[] expected = Numbers.Widen(values), expectedVelocity = new double[Length];
        for (int step = 0; step < 6; step++)
        {
            float[] gradients = Numbers.Uniform(2 + step, Length);
            double rate = 0.1 / (step + 1);
            for (int i = 0; i < Length; i++)
            {
                double force = gradients[i] + (decay ? optimizer.WeightDecay * expected[i] : 0);
                (expected[i], expectedVelocity[i]) = rule(expected[i], expectedVelocity[i], force, rate);
            }

            optimizer.Update(new(values, gradients, velocity), rate, decay);

            Tolerance.Near(expectedVelocity, velocity, Tolerance.Kernel, $"velocity after step {step}");
            Tolerance.Near(expected, values, Tolerance.Kernel, $"values after step {step}");
        }
    }
}
