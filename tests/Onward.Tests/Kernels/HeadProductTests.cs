using Onward.Kernels;

namespace Onward.Tests.Kernels;

public sealed class HeadProductTests
{
    private const float Untouched = -7;

    public static TheoryData<int, int, int> Sizes
    {
        get
        {
            TheoryData<int, int, int> sizes = [];
            foreach (int outputs in new[] { 1, 2, 4, 5, 6, 9, 10, 11, 16 })
            {
                sizes.Add(64, outputs, 1);
                sizes.Add(192, outputs, 3);
                sizes.Add(128, outputs, 4);
                sizes.Add(64, outputs, 22);
            }

            return sizes;
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Outputs_meet_the_definition(int features, int outputs, int examples)
    {
        float[] x = Numbers.Uniform(
            1, examples * features), weight = Numbers.Uniform(2, features * outputs), bias = Numbers.Uniform(3, outputs);
        double[] expected = [.. Enumerable.Range(0, examples * outputs).Select(i =>
            bias[i % outputs] + Enumerable.Range(0, features).Sum(
                f => (double)x[(i / outputs * features) + f] * weight[(f * outputs) + (i % outputs)]))];
        float[] actual = Numbers.Filled((examples + 1) * outputs, Untouched);

        HeadProduct.Apply(x, Packed(weight, outputs), bias, actual, features);

        Tolerance.Near(expected, actual.AsSpan(0, expected.Length), Tolerance.Kernel, "outputs");
        Tolerance.Same(Numbers.Filled(outputs, Untouched), actual.AsSpan(expected.Length), "the example beyond");
    }

    // However many stand beside it.
    [Fact]
    public void An_example_has_the_same_outputs_in_any_company()
    {
        const int Features = 128, Outputs = 7, Examples = 11;
        float[] x = Numbers.Uniform(1, Examples * Features), packed = Packed(
            Numbers.Uniform(2, Features * Outputs), Outputs), bias = Numbers.Uniform(3, Outputs);
        float[] together = new float[Examples * Outputs], alone = new float[Examples * Outputs];

        HeadProduct.Apply(x, packed, bias, together, Features);
        for (int n = 0; n < Examples; n++)
        {
            HeadProduct.Apply(x.AsSpan(n * Features, Features), packed, bias, alone.AsSpan(n * Outputs), Features);
        }

        Tolerance.Same(together, alone, "outputs");
    }

    // In the order of the examples, so that one product and two that add up have the same bits, and so has the general product.
    [Theory]
    [MemberData(nameof(Sizes))]
    public void Gradient_is_that_of_the_general_product(int features, int outputs, int examples)
    {
        float[] x = Numbers.Uniform(4, examples * features), error = Numbers.Uniform(5, examples * outputs);
        float[] expected = new float[features * outputs], actual = Numbers.Filled(features * outputs, float.NaN);
        GemmTiles tiles = GemmTiles.ForWidth(512);
        Gemm.Multiply(
            tiles,
            new MatrixView(x, examples, features).Transposed,
            new(error, examples, outputs),
            expected,
            outputs,
            accumulate: false,
            new float[examples * tiles.Columns]);

        HeadProduct.AccumulateGradient(
            x.AsSpan(0, examples / 2 * features), error.AsSpan(0, examples / 2 * outputs), actual, features, accumulate: false);
        HeadProduct.AccumulateGradient(
            x.AsSpan(examples / 2 * features), error.AsSpan(examples / 2 * outputs), actual, features, accumulate: true);

        Tolerance.Same(expected, actual, "gradient");
    }

    [Fact]
    public void Faulty_sizes_are_told()
    {
        float[] packed = new float[64 * 3];
        Assert.Equal(
            "packedTranspose",
            Assert.Throws<ArgumentException>(
                () => HeadProduct.Apply(new float[64], packed.AsSpan(1), new float[3], new float[3], 64)).ParamName);
        Assert.Equal(
            "outputs",
            Assert.Throws<ArgumentException>(() => HeadProduct.Apply(new float[128], packed, new float[3], new float[5], 64)).ParamName);
        Assert.Equal(
            "error",
            Assert.Throws<ArgumentException>(
                () => HeadProduct.AccumulateGradient(new float[128], new float[5], packed, 64, false)).ParamName);
    }

    private static float[] Packed(float[] weight, int outputs)
    {
        float[] packed = new float[weight.Length];
        HeadProduct.Pack(weight, outputs, packed);
        return packed;
    }
}
