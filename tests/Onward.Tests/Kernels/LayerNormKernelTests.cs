using Onward.Kernels;

namespace Onward.Tests.Kernels;

public sealed class LayerNormKernelTests
{
    private const int RunCount = 5;
    private const float Epsilon = 1e-5f;

    public static TheoryData<int> Sizes => [2, 3, 5, 8, 16, 32, 48, 100, 256, 512, 784, 2048];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Values_meet_the_formula(int size)
    {
        float[] x = Numbers.Uniform(size, RunCount * size), y = new float[x.Length], reciprocal = new float[RunCount];

        LayerNormKernel.Normalize(x, y, reciprocal, size, Epsilon);

        double[] expected = new double[x.Length], expectedReciprocal = new double[RunCount];
        for (int run = 0; run < RunCount; run++)
        {
            (double[] values, expectedReciprocal[run]) = Formula(Run(Numbers.Widen(x), run, size));
            values.CopyTo(expected, run * size);
        }

        Tolerance.Near(expected, y, Tolerance.Kernel, "y");
        Tolerance.Near(expectedReciprocal, reciprocal, Tolerance.Kernel, "r");
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Jacobian_product_meets_the_closed_form(int size)
    {
        (float[] x, float[] y, float[] reciprocal) = Normalized(size);
        float[] a = Numbers.Uniform(size + 1, x.Length), product = new float[x.Length];

        LayerNormKernel.JacobianProduct(y, reciprocal, a, product, size);

        for (int run = 0; run < RunCount; run++)
        {
            double[] vector = Run(Numbers.Widen(a), run, size);
            (double[] normal, double r) = Formula(Run(Numbers.Widen(x), run, size));
            double mean = vector.Average(), along = vector.Zip(normal, (v, n) => v * n).Average();
            double[] expected = [.. vector.Zip(normal, (v, n) => r * (v - mean - (n * along)))];
            Tolerance.Near(expected, product.AsSpan(run * size, size), Tolerance.Kernel, $"run {run}", Scale(a, reciprocal, run, size));
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Jacobian_product_is_the_derivative(int size)
    {
        (float[] x, float[] y, float[] reciprocal) = Normalized(size);
        float[] a = Numbers.Uniform(size + 2, x.Length), product = new float[x.Length];

        LayerNormKernel.JacobianProduct(y, reciprocal, a, product, size);

        // Central differences in float64 are good to about h^2 = 1e-10, far below the kernel's own roundings.
        const double Step = 1e-5;
        for (int run = 0; run < RunCount; run++)
        {
            double[] at = Run(Numbers.Widen(x), run, size), along = Run(Numbers.Widen(a), run, size);
            double[] above = Formula([.. at.Zip(along, (v, d) => v + (Step * d))]).Values;
            double[] below = Formula([.. at.Zip(along, (v, d) => v - (Step * d))]).Values;
            double[] expected = [.. above.Zip(below, (p, m) => (p - m) / (2 * Step))];
            Tolerance.Near(expected, product.AsSpan(run * size, size), Tolerance.Kernel, $"run {run}", Scale(a, reciprocal, run, size));
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Jacobian_is_symmetric(int size)
    {
        (float[] x, float[] y, float[] reciprocal) = Normalized(size);
        float[] u =
            Numbers.Uniform(size + 3, x.Length), v =
                Numbers.Uniform(size + 4, x.Length), ju = new float[x.Length], jv = new float[x.Length];

        LayerNormKernel.JacobianProduct(y, reciprocal, u, ju, size);
        LayerNormKernel.JacobianProduct(y, reciprocal, v, jv, size);

        double scale = reciprocal.Max() * Tolerance.Norm(u) * Tolerance.Norm(v);
        Tolerance.Near(Numbers.Inner(u, jv), Numbers.Inner(ju, v), Tolerance.Kernel, scale, "<Ju, v>");
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void In_place_gives_the_same_bits(int size)
    {
        (float[] x, float[] y, float[] reciprocal) = Normalized(size);
        float[] a = Numbers.Uniform(size + 5, x.Length), product = new float[x.Length], again = new float[RunCount];
        LayerNormKernel.JacobianProduct(y, reciprocal, a, product, size);

        LayerNormKernel.Normalize(x, x, again, size, Epsilon);
        LayerNormKernel.JacobianProduct(y, reciprocal, a, a, size);

        Tolerance.Same(y, x, "y");
        Tolerance.Same(reciprocal, again, "r");
        Tolerance.Same(product, a, "J a");
    }

    // The same additions in the same order as two sweeps, so the same bits; runs are many enough for batches and a remainder.
    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_bias_or_ReLU_before_gives_the_bits_of_two_sweeps(int size)
    {
        foreach (int perBias in new[] { 1, 2, 3, 5 })
        {
            const int Runs = 30;
            float[] x = Numbers.Uniform(size + 7, Runs * size), bias = Numbers.Uniform(size + 8, perBias * size);
            float[] biased =
            [
                .. x.Select((value, i) => value + bias[i % bias.Length]),
            ], rectified = [.. x.Select(value => Math.Max(0, value))];
            float[] expected =
                new float[x.Length], y = new float[x.Length], expectedReciprocal = new float[Runs], reciprocal = new float[Runs];

            LayerNormKernel.Normalize(biased, expected, expectedReciprocal, size, Epsilon);
            LayerNormKernel.NormalizeBiased(x, bias, y, reciprocal, size, Epsilon);
            Tolerance.Same(expected, y, $"biased, {perBias}");
            Tolerance.Same(expectedReciprocal, reciprocal, $"biased r, {perBias}");

            LayerNormKernel.Normalize(rectified, expected, expectedReciprocal, size, Epsilon);
            LayerNormKernel.NormalizeRectified(x, y, reciprocal, size, Epsilon);
            Tolerance.Same(expected, y, "rectified");
            Tolerance.Same(expectedReciprocal, reciprocal, "rectified r");

            LayerNormKernel.NormalizeRectified(x, x, reciprocal, size, Epsilon);
            Tolerance.Same(expected, x, "in place");
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Rectified_Jacobian_product_has_the_bits_of_two_sweeps(int size)
    {
        (float[] x, float[] y, float[] reciprocal) = Normalized(size);
        float[] a = Numbers.Uniform(size + 11, x.Length), active =
        [
            .. a.Select((value, i) => y[i] > 0 ? value : 0),
        ], expected = new float[x.Length], product = new float[x.Length];

        LayerNormKernel.JacobianProduct(y, reciprocal, active, expected, size);
        LayerNormKernel.RectifiedJacobianProduct(y, reciprocal, a, product, size);
        LayerNormKernel.RectifiedJacobianProduct(y, reciprocal, a, a, size);

        Tolerance.Same(expected, product, "product");
        Tolerance.Same(expected, a, "in place");
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Scaled_Jacobian_product_is_a_multiple_of_the_product(int size)
    {
        (float[] x, float[] y, float[] reciprocal) = Normalized(size);
        float[] a =
            Numbers.Uniform(size + 9, x.Length), factors =
                Numbers.Uniform(size + 10, RunCount), product = new float[x.Length], scaled = new float[x.Length];

        LayerNormKernel.JacobianProduct(y, reciprocal, a, product, size);
        LayerNormKernel.ScaledJacobianProduct(y, reciprocal, factors, a, scaled, size);

        for (int run = 0; run < RunCount; run++)
        {
            double[] expected = [.. Run(Numbers.Widen(product), run, size).Select(value => factors[run] * value)];
            Tolerance.Near(
                expected,
                scaled.AsSpan(run * size, size),
                Tolerance.Kernel,
                $"run {run}",
                Math.Abs(factors[run]) * Scale(a, reciprocal, run, size));
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Constant_input_gives_zero(int size)
    {
        foreach (float value in (float[])[0, 1, -2.5f, 1024])
        {
            float[] y = Numbers.Filled(size, float.NaN), reciprocal = new float[1], product = new float[size];

            LayerNormKernel.Normalize(Numbers.Filled(size, value), y, reciprocal, size, Epsilon);
            LayerNormKernel.JacobianProduct(y, reciprocal, Numbers.Uniform(size, size), product, size);

            Assert.All(y, v => Assert.Equal(0, v));
            Tolerance.Near(1 / Math.Sqrt(Epsilon), reciprocal[0], Tolerance.Kernel, reciprocal[0], "r");
            Assert.All(product, v => Assert.True(float.IsFinite(v)));
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Constant_input_that_rounds_stays_near_zero(int size)
    {
        float[] y = Numbers.Filled(size, 0.1f), reciprocal = new float[1];

        LayerNormKernel.Normalize(y, y, reciprocal, size, Epsilon);

        // What the mean is off by, magnified by the largest possible r.
        double bound = Tolerance.Chain(size) * 0.1 / Math.Sqrt(Epsilon);
        Assert.All(y, v => Assert.InRange(v, -bound, bound));
    }

    // A flat run, one that is nearly flat, one in which a single number differs, and an ordinary one, with either epsilon in use.
    [Theory]
    [InlineData(1e-5f)]
    [InlineData(1e-2f)]
    public void Flat_and_mixed_runs_meet_the_formula_before_and_after_bias_and_ReLU(float epsilon)
    {
        foreach (int size in Sizes.Select(row => row.Data))
        {
            float[] flat = Numbers.Filled(size, 0.5f), bias = [.. Numbers.Uniform(size + 12, size).Select(value => 1e-3f * value)];
            float[] near =
            [
                .. Numbers.Uniform(size + 13, size).Select(value => 0.5f + (1e-3f * value)),
            ], single = Numbers.Filled(size, 0.5f);
            single[size / 2] = 0.51f;
            float[] x = [.. flat, .. near, .. single, .. Numbers.Uniform(size + 14, size), .. Numbers.Filled(size, -1)];
            int runs = x.Length / size;
            float[] biased = [.. x.Select((value, i) => value + bias[i % size])], rectified = [.. x.Select(value => Math.Max(value, 0))];
            float[] y = new float[x.Length], reciprocal = new float[runs];

            LayerNormKernel.Normalize(x, y, reciprocal, size, epsilon);
            RequireRuns(x, y, reciprocal, size, epsilon);
            LayerNormKernel.NormalizeBiased(x, bias, y, reciprocal, size, epsilon);
            RequireRuns(biased, y, reciprocal, size, epsilon);
            LayerNormKernel.NormalizeRectified(x, y, reciprocal, size, epsilon);
            RequireRuns(rectified, y, reciprocal, size, epsilon);
        }
    }

    // Squares of 1e4 fill float32: a variance taken as mean(x^2) - mean(x)^2 would be noise.
    [Theory]
    [MemberData(nameof(Sizes))]
    public void Large_mean_does_not_spoil_the_variance(int size)
    {
        float[] x = [.. Enumerable.Range(0, size).Select(i => 10000f + (i % 2 == 0 ? 1 : -1))];
        float[] y = new float[size], reciprocal = new float[1];

        LayerNormKernel.Normalize(x, y, reciprocal, size, Epsilon);

        // The mean may be off by a few roundings of 1e4.
        (double[] expected, double r) = Formula(Numbers.Widen(x));
        Tolerance.Near(expected, y, 1e4 * Tolerance.Chain(2), "y");
        Tolerance.Near(r, reciprocal[0], Tolerance.Kernel, r, "r");
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Large_mean_costs_no_more_than_the_roundings_of_the_sum(int size)
    {
        float[] x = [.. Numbers.Uniform(size + 6, size).Select(v => 10000 + v)], y = new float[size], reciprocal = new float[1];

        LayerNormKernel.Normalize(x, y, reciprocal, size, Epsilon);

        // A sum in 16 lanes is a chain of size / 16 terms; its error shifts every deviation.
        (double[] expected, double r) = Formula(Numbers.Widen(x));
        Tolerance.Near(expected, y, 1e4 * r * Tolerance.Chain((size / 16) + 16), "y", Math.Sqrt(size));
    }

    [Fact]
    public void Rejects_lengths_that_do_not_fit()
    {
        float[] eight = new float[8], seven = new float[7], two = new float[2], one = new float[1];

        Assert.Contains(
            "runs of 4",
            Assert.Throws<ArgumentException>(() => LayerNormKernel.Normalize(seven, seven, two, 4, Epsilon)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => LayerNormKernel.Normalize(eight, seven, two, 4, Epsilon));
        Assert.Throws<ArgumentException>(() => LayerNormKernel.Normalize(eight, eight, one, 4, Epsilon));
        Assert.Throws<ArgumentException>(() => LayerNormKernel.Normalize(eight, eight, two, 0, Epsilon));
        Assert.Throws<ArgumentException>(() => LayerNormKernel.Normalize(eight, eight, two, -4, Epsilon));
        Assert.Contains(
            "7 values",
            Assert.Throws<ArgumentException>(() => LayerNormKernel.JacobianProduct(eight, two, seven, eight, 4)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => LayerNormKernel.JacobianProduct(eight, two, eight, seven, 4));
        Assert.Throws<ArgumentException>(() => LayerNormKernel.JacobianProduct(eight, one, eight, eight, 4));
        Assert.Contains(
            "2 runs",
            Assert.Throws<ArgumentException>(() => LayerNormKernel.ScaledJacobianProduct(eight, two, one, eight, eight, 4)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => LayerNormKernel.NormalizeRectified(eight, seven, two, 4, Epsilon));
        Assert.Throws<ArgumentException>(() => LayerNormKernel.NormalizeBiased(eight, eight, seven, two, 4, Epsilon));
        Assert.Contains(
            "got 7",
            Assert.Throws<ArgumentException>(() => LayerNormKernel.NormalizeBiased(eight, seven, eight, two, 4, Epsilon)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => LayerNormKernel.NormalizeBiased(eight, [], eight, two, 4, Epsilon));
    }

    private static (float[] X, float[] Y, float[] Reciprocal) Normalized(int size)
    {
        float[] x = Numbers.Uniform(size, RunCount * size), y = new float[x.Length], reciprocal = new float[RunCount];
        LayerNormKernel.Normalize(x, y, reciprocal, size, Epsilon);
        return (x, y, reciprocal);
    }

    // Values, and the Jacobian's product with some vector: a tangent, or a gradient. The mean of a run near 0.5 is off by roundings of 0.5.
    private static void RequireRuns(float[] x, float[] y, float[] reciprocal, int size, float epsilon)
    {
        float[] a = Numbers.Uniform(size + 15, x.Length), product = new float[x.Length];
        LayerNormKernel.JacobianProduct(y, reciprocal, a, product, size);
        for (int run = 0; run < reciprocal.Length; run++)
        {
            (double[] values, double r) = Formula(Run(Numbers.Widen(x), run, size), epsilon);
            double[] vector = Run(Numbers.Widen(a), run, size);
            double mean = vector.Average(), along = vector.Zip(values, (v, n) => v * n).Average(), rounding = r * Tolerance.Chain(size);
            double[] expected = [.. vector.Zip(values, (v, n) => r * (v - mean - (n * along)))];
            Tolerance.Near(r, reciprocal[run], Tolerance.Kernel + rounding, r, $"r of run {run}");
            Tolerance.Near(values, y.AsSpan(run * size, size), Tolerance.Kernel + rounding, $"run {run}", Math.Sqrt(size));
            Tolerance.Near(
                expected, product.AsSpan(run * size, size), Tolerance.Kernel + rounding, $"J a of run {run}", r * Tolerance.Norm(vector));
        }
    }

    // r |a|: the product itself nearly vanishes in runs of two.
    private static double Scale(float[] a, float[] reciprocal, int run, int size) =>
        reciprocal[run] * Tolerance.Norm(a.AsSpan(run * size, size));

    private static double[] Run(double[] values, int run, int size) => values[(run * size)..((run + 1) * size)];

    private static (double[] Values, double Reciprocal) Formula(double[] x, double epsilon = Epsilon)
    {
        double mean = x.Average(), variance = x.Average(v => (v - mean) * (v - mean));
        double r = 1 / Math.Sqrt(variance + epsilon);
        return ([.. x.Select(v => (v - mean) * r)], r);
    }
}
