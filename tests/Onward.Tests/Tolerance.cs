using System.Numerics.Tensors;

namespace Onward.Tests;

/// <summary>The tolerances of all tests, relative to a norm, each with its reason.</summary>
internal static class Tolerance
{
    /// <summary>float32 through a whole network against float64: some hundred roundings of 6e-8, amplified by normalisation.</summary>
    public const double Network = 1e-4;

    /// <summary>One float32 kernel against float64: sums of up to a few thousand products, rounded once each.</summary>
    public const double Kernel = 1e-5;

    /// <summary>float64 along two ways to the same sum: some ten thousand roundings of 1e-16 at most.</summary>
    public const double Double = 1e-11;

    /// <summary>A central difference in float64 with step 1e-5: a remainder of 1e-10 and roundings of 1e-16 / 1e-5, times constants.</summary>
    public const double CentralDifference = 1e-8;

    /// <summary>Standard errors that a seeded mean may lie from its expectation: exceeded by chance once in 16 000.</summary>
    public const double StandardErrors = 4;

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

    /// <summary>Asserts that the Euclidean distance is at most the tolerance times the norm of what is expected.</summary>
    /// <param name="expected">The oracle's values.</param>
    /// <param name="actual">Ours.</param>
    /// <param name="tolerance">Relative tolerance.</param>
    /// <param name="what">Names the values in the message.</param>
    public static void Near(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double error = TensorPrimitives.Distance(expected, actual) / Math.Max(TensorPrimitives.Norm(expected), double.Epsilon);
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
