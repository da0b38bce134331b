namespace Onward.Tests;

/// <summary>Test data drawn from a seed, and sums over it in float64.</summary>
internal static class Numbers
{
    /// <summary>Uniform numbers from -1 to 1.</summary>
    public static float[] Uniform(int seed, int length)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (2 * random.NextSingle()) - 1)];
    }

    /// <summary>Whole numbers from 1 to the limit, as many between 1 and 10 as between 10 and 100.</summary>
    public static int Size(Random random, int limit) => (int)Math.Pow(limit + 0.999, random.NextDouble());

    public static float[] Filled(int length, float value)
    {
        float[] values = new float[length];
        Array.Fill(values, value);
        return values;
    }

    public static double[] Widen(ReadOnlySpan<float> values)
    {
        double[] wide = new double[values.Length];
        for (int i = 0; i < wide.Length; i++)
        {
            wide[i] = values[i];
        }

        return wide;
    }

    /// <summary>sums += terms, in float64.</summary>
    public static void Add(ReadOnlySpan<float> terms, Span<double> sums)
    {
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] += terms[i];
        }
    }

    public static double Inner(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Assert.Equal(x.Length, y.Length);
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            sum += (double)x[i] * y[i];
        }

        return sum;
    }
}
