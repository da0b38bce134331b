using System.Numerics.Tensors;

namespace Onward.Tests;

/// <summary>The tolerances of all tests, relative to a norm, each with its reason.</summary>
internal static class Tolerance
{
    /// <summary>float32 through a whole network against float64: some hundred roundings of 6e-8, amplified by normalisation.</summary>
    public const double Network = 1e-4;

    /// <summary>
    /// Difference after twenty steps of training whose sums went in another order. A last bit grows from step to step, the less the
    /// lower the rate, while a sum that is wrong changes all.
    /// </summary>
    public const double Drift = 1e-2;

    /// <summary>
    /// A one-sided difference in float32 with a step of 1e-3 against the derivative: curvature times the step, the rare unit
    /// that crosses 0 within it, and rounding of 1e-7 over the step.
    /// </summary>
    public const double FiniteStep = 0.05;

    /// <summary>One float32 kernel against float64: sums of up to a few thousand products, rounded once each.</summary>
    public const double Kernel = 1e-5;

    /// <summary>
    /// Central differences in float64 with a step of 1e-5: a cubic term of about 1e-10, which normalisation of small vectors magnifies, and
    /// cancellation of about 1e-11.
    /// </summary>
    public const double Difference = 1e-7;

    /// <summary>
    /// Errors of a mean over seeded draws, in standard errors of the whole vector: some ten effective dimensions spread the
    /// ratio by about a fifth around 1.
    /// </summary>
    public const double MonteCarloError = 1.5;

    /// <summary>
    /// Bound where one scalar multiplies all directions of a small network: a few effective dimensions, with heavy tails,
    /// spread the ratio by about a third.
    /// </summary>
    public const double MonteCarloErrorOfFew = 2;

    /// <summary>Bound for networks of a few units each: one or two effective dimensions, of forty ratios the largest.</summary>
    public const double MonteCarloErrorOfUnits = 3;

    /// <summary>Largest standard error, relative to the norm, that still lets a bias of a few percent be seen.</summary>
    public const double MonteCarloPower = 0.03;

    /// <summary>Relative error of a ratio of two variances, each from 4096 draws of products of normals.</summary>
    public const double VarianceRatio = 0.1;

    /// <summary>A variance from ten thousand draws or more against its closed form: one to two percent of standard error.</summary>
    public const double TheoryRatio = 0.05;

    /// <summary>Relative error of a ratio of two variances, each from 1000 draws of a tiny batch, whose tails are long.</summary>
    public const double SmallVarianceRatio = 0.25;

    /// <summary>One rounding to float32: half a unit in the last of 24 bits.</summary>
    public const double Rounding = 1.0 / (1 << 24);

    /// <summary>A learning rate in float64 against a value written with nine digits.</summary>
    public const double Schedule = 1e-9;

    /// <summary>A seeded statistic lies further out than this, in standard errors, for one seed in 150 000.</summary>
    public const double StandardErrors = 4.5;

    /// <summary>
    /// A chain of float32 multiply-adds, relative to the sum of the absolute values of its terms: each product is rounded
    /// once and then takes part in at most as many rounded sums as the chain is long (one more if it starts from a value).
    /// </summary>
    /// <param name="length">Terms of the chain.</param>
    public static double Chain(int length) => (length + 2) * Rounding;

    /// <summary>float64 along two ways to the same sum: some ten thousand roundings of 1e-16 at most.</summary>
    public const double Double = 1e-11;

    /// <summary>
    /// A central difference in float64 with step 1e-5: a remainder of 1e-10 and roundings of 1e-16 / 1e-5, times constants.
    /// </summary>
    public const double CentralDifference = 1e-8;

    /// <summary>Asserts that the Euclidean distance is at most the tolerance times the norm of what is expected.</summary>
    /// <param name="expected">The oracle's values.</param>
    /// <param name="actual">Ours.</param>
    /// <param name="tolerance">Relative tolerance.</param>
    /// <param name="what">Names the values in the message.</param>
    /// <param name="scale">A norm to measure against where the expected values may all be 0.</param>
    public static void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what, double scale = 0)
    {
        double error = RelativeError(expected, actual, scale);
        Assert.True(error <= tolerance, $"{what}: relative error {error:E2} exceeds {tolerance:E0}");
    }

    public static double RelativeError(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double scale = 0)
    {
        Assert.Equal(expected.Length, actual.Length);
        double distance = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = (double)expected[i] - actual[i];
            distance += difference * difference;
            norm += (double)expected[i] * expected[i];
        }

        return Math.Sqrt(distance) / Math.Max(Math.Max(Math.Sqrt(norm), scale), double.Epsilon);
    }

    /// <summary>Difference from numbers of the float64 oracle.</summary>
    public static void Near(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, string what, double scale = 0) =>
        Near(expected, [.. actual.ToArray().Select(value => (double)value)], tolerance, what, scale);

    /// <summary>Difference within the float64 oracle.</summary>
    public static void Near(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double tolerance, string what, double scale = 0)
    {
        double error = TensorPrimitives.Distance(expected, actual) / Math.Max(Math.Max(Norm(expected), scale), double.Epsilon);
        Assert.True(error <= tolerance, $"{what}: relative error {error:E2} exceeds {tolerance:E0}");
    }

    public static double Norm(ReadOnlySpan<double> values) => TensorPrimitives.Norm(values);

    /// <summary>Asserts that two numbers differ by at most the tolerance times a norm.</summary>
    public static void Near(double expected, double actual, double tolerance, double scale, string what) =>
        Assert.True(
            Math.Abs(expected - actual) <= tolerance * scale,
            $"{what}: {actual:R} differs from {expected:R} by more than {tolerance:E2} of {scale:E2}");

    /// <summary>Asserts that all bits agree.</summary>
    public static void Same(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]))
            {
                Assert.Fail($"{what}: element {i} is {actual[i]:R} instead of {expected[i]:R}");
            }
        }
    }

    public static double Norm(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += (double)value * value;
        }

        return Math.Sqrt(sum);
    }
}
