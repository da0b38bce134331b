using Onward.Autodiff;

namespace Onward.Tests.Autodiff;

/// <summary>Matrix products in float32 against three loops in float64, for every way to store and to broadcast the factors.</summary>
public sealed class MatrixProductTests
{
    // Around the height and width of register tiles, around the sizes from which factors are packed, and with a sum that is cut.
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1, 7, 130)]
    [InlineData(3, 40, 33)]
    [InlineData(4, 16, 16)]
    [InlineData(5, 64, 64)]
    [InlineData(13, 65, 67)]
    [InlineData(64, 3, 1)]
    [InlineData(6, 9000, 5)]
    [InlineData(3, 4100, 3)]
    [InlineData(4, 0, 3)]
    [InlineData(0, 4, 3)]
    public void Product_meets_three_loops_in_double(int m, int k, int n)
    {
        foreach ((bool left, bool right) in new[] { (false, false), (false, true), (true, false), (true, true) })
        {
            DenseArray<float> a = Stored(1, m, k, left), b = Stored(2, k, n, right);

            DenseArray<float> product = a.MatMul(b);

            Assert.Equal([m, n], product.Shape);
            RequireLoops(a.Values, b.Values, product.Values, m, k, n, $"{m} x {k} x {n}, transposed: {left}, {right}");
        }
    }

    [Theory]
    [InlineData(new[] { 3, 5, 24 }, new[] { 24, 20 })]
    [InlineData(new[] { 5, 24 }, new[] { 3, 24, 20 })]
    [InlineData(new[] { 2, 1, 5, 24 }, new[] { 3, 24, 20 })]
    [InlineData(new[] { 2, 1, 2, 3 }, new[] { 1, 3, 3, 2 })]
    public void Leading_axes_broadcast(int[] left, int[] right)
    {
        DenseArray<float> a = Numbers(3, left), b = Numbers(4, right);

        foreach (DenseArray<float> x in new[] { a, Recast(a) })
        {
            foreach (DenseArray<float> y in new[] { b, Recast(b) })
            {
                DenseArray<float> product = x.MatMul(y);

                int m = left[^2], k = left[^1], n = right[^1];
                int[] leading = Shapes.Broadcast(left.AsSpan(..^2), right.AsSpan(..^2));
                Assert.Equal([.. leading, m, n], product.Shape);
                DenseArray<float> lefts = a.Expand([.. leading, m, k]), rights = b.Expand([.. leading, k, n]);
                for (int i = 0; i < Shapes.Count(leading); i++)
                {
                    RequireLoops(
                        lefts.Values.Slice(i * m * k, m * k),
                        rights.Values.Slice(i * k * n, k * n),
                        product.Values.Slice(i * m * n, m * n),
                        m,
                        k,
                        n,
                        $"matrix {i}");
                }
            }
        }
    }

    [Theory]
    [InlineData(40, 100)]
    [InlineData(5000, 9)]
    public void A_row_has_the_same_bits_whatever_stands_beside_it(int k, int n)
    {
        DenseArray<float> a = Numbers(5, [33, k]), b = Numbers(6, [k, n]), bStored = Stored(6, k, n, transposed: true);

        DenseArray<float> product = a.MatMul(b);

        Tolerance.Same(a.MatMul(Recast(b)).Values, product.Values, "the right factor stored transposed");
        Tolerance.Same(Recast(a).MatMul(b).Values, product.Values, "the left factor stored transposed");
        foreach (int rows in new[] { 1, 3, 4, 20 })
        {
            Tolerance.Same(product.Slice(0, 7, rows).Values, a.Slice(0, 7, rows).MatMul(b).Values, $"{rows} rows alone");
            Tolerance.Same(
                a.MatMul(bStored).Slice(0, 7, rows).Values, a.Slice(0, 7, rows).MatMul(bStored).Values, $"{rows} rows, transposed");
        }
    }

    [Fact]
    public void Transpose_holds_the_numbers_of_a_transpose_and_is_undone_by_another()
    {
        DenseArray<float> a = Numbers(7, [2, 3, 5]), transpose = a.TransposeMatrices();

        Assert.Equal([2, 5, 3], transpose.Shape);
        Assert.Same(a, transpose.TransposeMatrices());
        Assert.Equal(a.Permute([0, 2, 1]).Values.ToArray(), transpose.Values.ToArray());
        Assert.Equal(a.Values.ToArray(), transpose.Permute([0, 2, 1]).Values.ToArray());
        Assert.Equal(transpose.Values.ToArray(), transpose.Reshape([30]).Values.ToArray());
    }

    private static DenseArray<float> Numbers(int seed, int[] shape) => new(shape, Tests.Numbers.Uniform(seed, Shapes.Count(shape)));

    private static DenseArray<float> Stored(int seed, int rows, int columns, bool transposed) =>
        transposed ? Numbers(seed, [columns, rows]).TransposeMatrices() : Numbers(seed, [rows, columns]);

    // The same numbers as the transpose of an array in which they are stored.
    private static DenseArray<float> Recast(DenseArray<float> array)
    {
        DenseArray<float> transpose = array.TransposeMatrices();
        return new DenseArray<float>(transpose.Shape, transpose.Values.ToArray()).TransposeMatrices();
    }

    // A chain of k products, relative to the sum of their absolute values.
    private static void RequireLoops(
        ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> product, int m, int k, int n, string what)
    {
        for (int row = 0; row < m; row++)
        {
            for (int column = 0; column < n; column++)
            {
                double sum = 0, scale = 0;
                for (int i = 0; i < k; i++)
                {
                    double term = (double)a[(row * k) + i] * b[(i * n) + column];
                    (sum, scale) = (sum + term, scale + Math.Abs(term));
                }

                Tolerance.Near(sum, product[(row * n) + column], Tolerance.Chain(k), scale, $"{what}: [{row}, {column}]");
            }
        }
    }
}
