using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// The products of a head with few outputs: the logits of some examples, and the gradient of the weight. The columns of such a head
/// would leave most of a register tile of <see cref="Gemm"/> empty.
/// </summary>
/// <remarks>
/// 2 n D K FLOP each, for K up to 16 and whole panels of D. Both keep 20 accumulators. Logits are inner products of 4 rows of
/// features with 5 columns of the weight, in the layout in which <see cref="Gemm"/> packs the transposed weight. That takes 9 loads for 20
/// multiply-adds, while a tile of 8 rows takes 9 loads for 8. For a gradient, vectors run along the features: 5 errors of an example are
/// broadcast and multiplied by 64 features. Each number is one chain over the examples in order, as in <see cref="Gemm"/>.
/// </remarks>
internal static unsafe class HeadProduct
{
    private const int Lanes = 16;
    private const int Panel = 64;
    private const int Rows = 4;
    private const int Columns = 5;
    private const int MostOutputs = 16;

    /// <summary>True if these kernels can compute the products of a head.</summary>
    internal static bool Serves(int features, int outputs) => outputs <= MostOutputs && features % Panel == 0;

    /// <summary>Packs a weight [D, K]: panels of D, and in each of them column after column. [D / panel, K, panel]</summary>
    internal static void Pack(ReadOnlySpan<float> weight, int columns, Span<float> packed)
    {
        for (int i = 0; i < weight.Length; i++)
        {
            int feature = i / columns, column = i % columns;
            packed[(((feature / Panel * columns) + column) * Panel) + (feature % Panel)] = weight[i];
        }
    }

    /// <summary>outputs [examples, K] = x [examples, D] W + bias.</summary>
    /// <param name="x">Features.</param>
    /// <param name="packedTranspose">The weight, packed by <see cref="Pack"/>.</param>
    /// <param name="bias">The bias [K].</param>
    /// <param name="outputs">Receives the outputs.</param>
    /// <param name="features">D.</param>
    internal static void Apply(
        ReadOnlySpan<float> x, ReadOnlySpan<float> packedTranspose, ReadOnlySpan<float> bias, Span<float> outputs, int features)
    {
        int columns = bias.Length, examples = x.Length / features;
        Gemm.Require(packedTranspose.Length, features * columns, nameof(packedTranspose));
        Gemm.Require(outputs.Length, examples * columns, nameof(outputs));
        fixed (float* left = x, right = packedTranspose, added = bias, target = outputs)
        {
            for (int column = 0; column < columns; column += Columns)
            {
                for (int n = 0; n < examples; n += Rows)
                {
                    InnerProducts(
                        left + ((nint)n * features),
                        Math.Min(Rows, examples - n),
                        features,
                        right,
                        column,
                        columns,
                        added,
                        target + (n * columns));
                }
            }
        }
    }

    /// <summary>gradient [D, K] = or += x' error.</summary>
    /// <param name="x">Features [examples, D].</param>
    /// <param name="error">Gradients of the outputs [examples, K].</param>
    /// <param name="gradient">The gradient of the weight.</param>
    /// <param name="features">D.</param>
    /// <param name="accumulate">True to add to it.</param>
    internal static void AccumulateGradient(
        ReadOnlySpan<float> x, ReadOnlySpan<float> error, Span<float> gradient, int features, bool accumulate)
    {
        int columns = gradient.Length / features, examples = x.Length / features;
        Gemm.Require(error.Length, examples * columns, nameof(error));
        fixed (float* left = x, right = error, target = gradient)
        {
            for (int feature = 0; feature < features; feature += Panel)
            {
                for (int column = 0; column < columns; column += Columns)
                {
                    OuterProducts(
                        left + feature,
                        features,
                        right + column,
                        columns,
                        examples,
                        Math.Min(Columns, columns - column),
                        target + (feature * columns) + column,
                        accumulate);
                }
            }
        }
    }

    // Rows and columns beyond the last one repeat the last one, and are not written.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void InnerProducts(float* x, int rows, int features, float* weight, int column, int columns, float* bias, float* outputs)
    {
        float* x1 = x + (Math.Min(1, rows - 1) * features), x2 = x + (Math.Min(2, rows - 1) * features);
        float* x3 = x + (Math.Min(3, rows - 1) * features);
        int last = columns - 1;
        weight += column * Panel;
        nint c1 = (Math.Min(column + 1, last) - column) * Panel, c2 = (Math.Min(column + 2, last) - column) * Panel;
        nint c3 = (Math.Min(column + 3, last) - column) * Panel, c4 = (Math.Min(column + 4, last) - column) * Panel;
        Vector512<float> s00 = Vector512<float>.Zero, s01 = s00, s02 = s00, s03 = s00, s04 = s00;
        Vector512<float> s10 = s00, s11 = s00, s12 = s00, s13 = s00, s14 = s00;
        Vector512<float> s20 = s00, s21 = s00, s22 = s00, s23 = s00, s24 = s00;
        Vector512<float> s30 = s00, s31 = s00, s32 = s00, s33 = s00, s34 = s00;
        for (int feature = 0; feature < features; feature += Panel, weight += columns * Panel)
        {
            for (int i = 0; i < Panel; i += Lanes)
            {
                Vector512<float> a0 = Vector512.Load(x + feature + i), a1 = Vector512.Load(x1 + feature + i);
                Vector512<float> a2 = Vector512.Load(x2 + feature + i), a3 = Vector512.Load(x3 + feature + i);
                Vector512<float> w0 = Vector512.Load(weight + i);
                s00 = Vector512.FusedMultiplyAdd(a0, w0, s00);
                s10 = Vector512.FusedMultiplyAdd(a1, w0, s10);
                s20 = Vector512.FusedMultiplyAdd(a2, w0, s20);
                s30 = Vector512.FusedMultiplyAdd(a3, w0, s30);
                Vector512<float> w1 = Vector512.Load(weight + c1 + i);
                s01 = Vector512.FusedMultiplyAdd(a0, w1, s01);
                s11 = Vector512.FusedMultiplyAdd(a1, w1, s11);
                s21 = Vector512.FusedMultiplyAdd(a2, w1, s21);
                s31 = Vector512.FusedMultiplyAdd(a3, w1, s31);
                Vector512<float> w2 = Vector512.Load(weight + c2 + i);
                s02 = Vector512.FusedMultiplyAdd(a0, w2, s02);
                s12 = Vector512.FusedMultiplyAdd(a1, w2, s12);
                s22 = Vector512.FusedMultiplyAdd(a2, w2, s22);
                s32 = Vector512.FusedMultiplyAdd(a3, w2, s32);
                Vector512<float> w3 = Vector512.Load(weight + c3 + i);
                s03 = Vector512.FusedMultiplyAdd(a0, w3, s03);
                s13 = Vector512.FusedMultiplyAdd(a1, w3, s13);
                s23 = Vector512.FusedMultiplyAdd(a2, w3, s23);
                s33 = Vector512.FusedMultiplyAdd(a3, w3, s33);
                Vector512<float> w4 = Vector512.Load(weight + c4 + i);
                s04 = Vector512.FusedMultiplyAdd(a0, w4, s04);
                s14 = Vector512.FusedMultiplyAdd(a1, w4, s14);
                s24 = Vector512.FusedMultiplyAdd(a2, w4, s24);
                s34 = Vector512.FusedMultiplyAdd(a3, w4, s34);
            }
        }

        Write(Reduction.Sums(s00, s10, s20, s30), rows, column, columns, bias, outputs);
        Write(Reduction.Sums(s01, s11, s21, s31), rows, column + 1, columns, bias, outputs);
        Write(Reduction.Sums(s02, s12, s22, s32), rows, column + 2, columns, bias, outputs);
        Write(Reduction.Sums(s03, s13, s23, s33), rows, column + 3, columns, bias, outputs);
        Write(Reduction.Sums(s04, s14, s24, s34), rows, column + 4, columns, bias, outputs);
    }

    // One column of the outputs of up to four rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Vector128<float> sums, int rows, int column, int columns, float* bias, float* outputs)
    {
        for (int row = 0; column < columns && row < rows; row++)
        {
            outputs[(row * columns) + column] = sums[row] + bias[column];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private static void OuterProducts(
        float* x, int features, float* error, int columns, int examples, int count, float* gradient, bool accumulate)
    {
        // The columns of the gradient, one after the other.
        float* sums = stackalloc float[Columns * Panel];
        new Span<float>(sums, Columns * Panel).Clear();
        for (int c = 0; accumulate && c < count; c++)
        {
            for (int feature = 0; feature < Panel; feature++)
            {
                sums[(c * Panel) + feature] = gradient[(feature * columns) + c];
            }
        }

        int e1 = Math.Min(1, count - 1), e2 = Math.Min(2, count - 1), e3 = Math.Min(3, count - 1), e4 = Math.Min(4, count - 1);
        Vector512<float> s00 = Vector512.Load(sums), s01 = Vector512.Load(sums + Panel), s02 = Vector512.Load(sums + (2 * Panel));
        Vector512<float> s03 = Vector512.Load(sums + (3 * Panel)), s04 = Vector512.Load(sums + (4 * Panel));
        float* next = sums + Lanes;
        Vector512<float> s10 = Vector512.Load(next), s11 = Vector512.Load(next + Panel), s12 = Vector512.Load(next + (2 * Panel));
        Vector512<float> s13 = Vector512.Load(next + (3 * Panel)), s14 = Vector512.Load(next + (4 * Panel));
        next += Lanes;
        Vector512<float> s20 = Vector512.Load(next), s21 = Vector512.Load(next + Panel), s22 = Vector512.Load(next + (2 * Panel));
        Vector512<float> s23 = Vector512.Load(next + (3 * Panel)), s24 = Vector512.Load(next + (4 * Panel));
        next += Lanes;
        Vector512<float> s30 = Vector512.Load(next), s31 = Vector512.Load(next + Panel), s32 = Vector512.Load(next + (2 * Panel));
        Vector512<float> s33 = Vector512.Load(next + (3 * Panel)), s34 = Vector512.Load(next + (4 * Panel));
        for (int n = 0; n < examples; n++, x += features, error += columns)
        {
            Vector512<float> a0 = Vector512.Load(x), a1 = Vector512.Load(x + Lanes);
            Vector512<float> a2 = Vector512.Load(x + (2 * Lanes)), a3 = Vector512.Load(x + (3 * Lanes));
            Vector512<float> w0 = Vector512.Create(error[0]);
            s00 = Vector512.FusedMultiplyAdd(a0, w0, s00);
            s10 = Vector512.FusedMultiplyAdd(a1, w0, s10);
            s20 = Vector512.FusedMultiplyAdd(a2, w0, s20);
            s30 = Vector512.FusedMultiplyAdd(a3, w0, s30);
            Vector512<float> w1 = Vector512.Create(error[e1]);
            s01 = Vector512.FusedMultiplyAdd(a0, w1, s01);
            s11 = Vector512.FusedMultiplyAdd(a1, w1, s11);
            s21 = Vector512.FusedMultiplyAdd(a2, w1, s21);
            s31 = Vector512.FusedMultiplyAdd(a3, w1, s31);
            Vector512<float> w2 = Vector512.Create(error[e2]);
            s02 = Vector512.FusedMultiplyAdd(a0, w2, s02);
            s12 = Vector512.FusedMultiplyAdd(a1, w2, s12);
            s22 = Vector512.FusedMultiplyAdd(a2, w2, s22);
            s32 = Vector512.FusedMultiplyAdd(a3, w2, s32);
            Vector512<float> w3 = Vector512.Create(error[e3]);
            s03 = Vector512.FusedMultiplyAdd(a0, w3, s03);
            s13 = Vector512.FusedMultiplyAdd(a1, w3, s13);
            s23 = Vector512.FusedMultiplyAdd(a2, w3, s23);
            s33 = Vector512.FusedMultiplyAdd(a3, w3, s33);
            Vector512<float> w4 = Vector512.Create(error[e4]);
            s04 = Vector512.FusedMultiplyAdd(a0, w4, s04);
            s14 = Vector512.FusedMultiplyAdd(a1, w4, s14);
            s24 = Vector512.FusedMultiplyAdd(a2, w4, s24);
            s34 = Vector512.FusedMultiplyAdd(a3, w4, s34);
        }

        s00.Store(sums);
        s10.Store(sums + Lanes);
        s20.Store(sums + (2 * Lanes));
        s30.Store(sums + (3 * Lanes));
        s01.Store(sums + Panel);
        s11.Store(sums + Panel + Lanes);
        s21.Store(sums + Panel + (2 * Lanes));
        s31.Store(sums + Panel + (3 * Lanes));
        s02.Store(sums + (2 * Panel));
        s12.Store(sums + (2 * Panel) + Lanes);
        s22.Store(sums + (2 * Panel) + (2 * Lanes));
        s32.Store(sums + (2 * Panel) + (3 * Lanes));
        s03.Store(sums + (3 * Panel));
        s13.Store(sums + (3 * Panel) + Lanes);
        s23.Store(sums + (3 * Panel) + (2 * Lanes));
        s33.Store(sums + (3 * Panel) + (3 * Lanes));
        s04.Store(sums + (4 * Panel));
        s14.Store(sums + (4 * Panel) + Lanes);
        s24.Store(sums + (4 * Panel) + (2 * Lanes));
        s34.Store(sums + (4 * Panel) + (3 * Lanes));
        for (int c = 0; c < count; c++)
        {
            for (int feature = 0; feature < Panel; feature++)
            {
                gradient[(feature * columns) + c] = sums[(c * Panel) + feature];
            }
        }
    }
}
