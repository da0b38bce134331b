namespace Onward.Autodiff;

/// <summary>Matrix products, and the transposes that they read without a copy.</summary>
internal sealed partial class DenseArray<T>
{
    /// <summary>Exchanges the last two axes: [..., m, n] becomes [..., n, m]. No number is moved until one is read.</summary>
    public DenseArray<T> TransposeMatrices() => _transposed ?? new([.. Shape[..^2], Shape[^1], Shape[^2]], null, null, this);

    /// <summary>Matrix product: [..., m, k] times [..., k, n] is [..., m, n]. Leading axes broadcast.</summary>
    public DenseArray<T> MatMul(DenseArray<T> right)
    {
        int m = Shape[^2], k = Shape[^1], n = right.Shape[^1];
        int[] leading = Shapes.Broadcast(Shape.AsSpan(0, Shape.Length - 2), right.Shape.AsSpan(0, right.Shape.Length - 2));
        int matrices = Shapes.Count(leading);
        int[] shape = [.. leading, m, n];
        if (right.Shape.Length == 2 && _transposed is null)
        {
            (m, matrices) = (m * matrices, 1);
        }

        // A transpose that is read as one takes no copy. The products that are too small to be packed read copies.
        bool packs = MatrixProduct.Packs<T>(m, k, n, right._transposed is not null);
        DenseArray<T>? leftSource = packs ? _transposed : null, rightSource = packs ? right._transposed : null;
        ReadOnlySpan<T> lefts = (leftSource ?? this).Values, rights = (rightSource ?? right).Values;
        T[] products = GC.AllocateUninitializedArray<T>(matrices * m * n);
        for (int i = 0; i < matrices; i++)
        {
            ReadOnlySpan<T> a = lefts.Slice(Shapes.Place(i, leading, Shape.AsSpan(0, Shape.Length - 2)) * m * k, m * k);
            ReadOnlySpan<T> b = rights.Slice(Shapes.Place(i, leading, right.Shape.AsSpan(0, right.Shape.Length - 2)) * k * n, k * n);
            Span<T> product = products.AsSpan(i * m * n, m * n);
            if (packs)
            {
                MatrixProduct.Packed(a, leftSource is not null, b, rightSource is not null, product, m, k, n);
            }
            else
            {
                MatrixProduct.ByRows(a, b, product, k, n);
            }
        }

        return new(shape, products);
    }

    /// <summary>Transpose of <see cref="MatMul"/> in its right factor: the transposed left factor (this) times the error.</summary>
    /// <remarks>If one matrix is used for all rows, the result is their sum, [k, n]. Otherwise it is [..., k, n].</remarks>
    public DenseArray<T> MatMulBack(DenseArray<T> error, bool oneMatrix) => oneMatrix
        ? Rows().TransposeMatrices().MatMul(error.Rows())
        : TransposeMatrices().MatMul(error);

    private DenseArray<T> Rows() => Reshape([Shapes.Count(Shape.AsSpan(0, Shape.Length - 1)), Shape[^1]]);

    private static int[] LastTwoExchanged(int axes) => [.. Enumerable.Range(0, axes - 2), axes - 1, axes - 2];
}
