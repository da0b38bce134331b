using Onward.Kernels;

namespace Onward.Tests.Kernels;

public sealed class ActivationTests
{
    public static TheoryData<int> Lengths => [0, 1, 15, 16, 17, 32, 100];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Relu_keeps_what_is_positive(int length)
    {
        float[] x = WithZeros(length), result = Numbers.Filled(length, float.NaN);

        Activation.Relu(x, result);
        Activation.Relu(x.AsSpan(), x);

        Assert.Equal(WithZeros(length).Select(v => v > 0 ? v : 0), result);
        Tolerance.Same(result, x, "in place");
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void AddRelu_keeps_what_is_positive_of_the_sum(int length)
    {
        float[] x = WithZeros(length), residual = Numbers.Uniform(1, length), result = Numbers.Filled(length, float.NaN);

        Activation.AddRelu(x, residual, result);

        Assert.Equal(x.Zip(residual, (a, b) => a + b > 0 ? a + b : 0), result);
    }

    [Fact]
    public void Relu_does_not_hide_a_value_that_is_no_number()
    {
        for (int i = 0; i < 20; i++)
        {
            float[] x = Numbers.Uniform(2, 20), relu = new float[20], sum = new float[20];
            x[i] = float.NaN;

            Activation.Relu(x, relu);
            Activation.AddRelu(x, new float[20], sum);

            Assert.True(float.IsNaN(relu[i]), $"Relu at {i}");
            Assert.True(float.IsNaN(sum[i]), $"AddRelu at {i}");
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void PerturbTangent_adds_the_noise_of_active_units_only(int length)
    {
        float[] active = WithZeros(length), noise = Numbers.Uniform(3, length), tangent = Numbers.Uniform(4, length);
        float[] expectedNoise = [.. noise.Zip(active, (u, n) => n > 0 ? u : 0)];
        float[] expectedTangent = [.. Enumerable.Range(0, length).Select(i => active[i] > 0 ? tangent[i] + noise[i] : 0)];

        Activation.PerturbTangent(active, noise, tangent);

        Tolerance.Same(expectedNoise, noise, "noise");
        Tolerance.Same(expectedTangent, tangent, "tangent");
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Mask_clears_silent_units(int length)
    {
        float[] active = WithZeros(length), values = Numbers.Uniform(5, length);
        float[] expected = [.. values.Zip(active, (v, n) => n > 0 ? v : 0)];

        Activation.Mask(active, values);

        Tolerance.Same(expected, values, "values");
    }

    [Theory]
    [InlineData(1, 7)]
    [InlineData(3, 8)]
    [InlineData(5, 16)]
    [InlineData(4, 21)]
    [InlineData(2, 48)]
    public void ScaleRuns_multiplies_each_run_by_its_factor(int runs, int size)
    {
        float[] values = Numbers.Uniform(6, runs * size), factors = Numbers.Uniform(7, runs), before = Numbers.Uniform(8, runs * size);
        float[] overwritten = Numbers.Filled(runs * size, float.NaN), accumulated = [.. before], inPlace = [.. values];
        double[] products = [.. values.Select((v, i) => (double)v * factors[i / size])];

        Activation.ScaleRuns(values, factors, overwritten, size, accumulate: false);
        Activation.ScaleRuns(values, factors, accumulated, size, accumulate: true);
        Activation.ScaleRuns(inPlace, factors, inPlace, size, accumulate: false);

        Tolerance.Near(products, overwritten, Tolerance.Rounding, "products");
        Tolerance.Near([.. products.Zip(before, (p, b) => p + b)], accumulated, Tolerance.Chain(1), "sums", Tolerance.Norm(before));
        Tolerance.Same(overwritten, inPlace, "in place");
    }

    [Theory]
    [InlineData(1, 7)]
    [InlineData(3, 8)]
    [InlineData(5, 16)]
    [InlineData(4, 21)]
    [InlineData(2, 48)]
    public void InnerRuns_gives_the_inner_product_of_each_run(int runs, int size)
    {
        float[] x = Numbers.Uniform(9, runs * size), y = Numbers.Uniform(10, runs * size), result = Numbers.Filled(runs, float.NaN);

        Activation.InnerRuns(x, y, 0.25f, result, size);

        for (int run = 0; run < runs; run++)
        {
            ReadOnlySpan<float> left = x.AsSpan(run * size, size), right = y.AsSpan(run * size, size);
            Tolerance.Near(
                0.25 * Numbers.Inner(left, right),
                result[run],
                0.25 * Tolerance.Chain(size),
                Tolerance.Norm(left) * Tolerance.Norm(right),
                $"run {run}");
        }
    }

    [Fact]
    public void Rejects_lengths_that_differ()
    {
        float[] eight = new float[8], seven = new float[7], two = new float[2];

        Assert.Contains(
            "8, 7 and 8",
            Assert.Throws<ArgumentException>(() => Activation.AddRelu(eight, seven, eight)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Activation.Relu(eight, seven));
        Assert.Throws<ArgumentException>(() => Activation.AddRelu(eight, eight, seven));
        Assert.Throws<ArgumentException>(() => Activation.PerturbTangent(eight, seven, eight));
        Assert.Throws<ArgumentException>(() => Activation.PerturbTangent(eight, eight, seven));
        Assert.Throws<ArgumentException>(() => Activation.Mask(seven, eight));
        Assert.Throws<ArgumentException>(() => Activation.ScaleRuns(eight, two, eight, 3, false));
        Assert.Throws<ArgumentException>(() => Activation.ScaleRuns(eight, two, seven, 4, false));
        Assert.Throws<ArgumentException>(() => Activation.InnerRuns(eight, seven, 1, two, 4));
        Assert.Throws<ArgumentException>(() => Activation.InnerRuns(eight, eight, 1, two, 3));
    }

    // Every fifth number is exactly 0, where the derivative of ReLU is 0.
    private static float[] WithZeros(int length) => [.. Numbers.Uniform(11, length).Select((v, i) => i % 5 == 2 ? 0 : v)];
}
