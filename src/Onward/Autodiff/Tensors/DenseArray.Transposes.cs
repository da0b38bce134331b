using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>The transposes of linear maps.</summary>
internal sealed partial class DenseArray<T>
{
    /// <summary>The transpose of <see cref="Expand"/>: the sum over the axes that it repeats.</summary>
    public DenseArray<T> SumTo(int[] shape)
    {
        if (Shape.AsSpan().SequenceEqual(shape))
        {
            return this;
        }

        int added = Shape.Length - shape.Length;
        int[] repeated = [.. Enumerable.Range(0, Shape.Length).Where(axis => axis < added || shape[axis - added] == 1)];
        return Sum(repeated, keep: true).Reshape(shape);
    }

    /// <summary>The transpose of <see cref="Permute"/>.</summary>
    public DenseArray<T> PermuteBack(int[] order) => Permute([.. Enumerable.Range(0, order.Length).OrderBy(i => order[i])]);

    /// <summary>The transpose of <see cref="Slice"/>: zeros outside it.</summary>
    public DenseArray<T> Pad(int axis, int start, int[] shape)
    {
        DenseArray<T> result = Zeros(shape);
        int rows = Shapes.Count(shape.AsSpan(0, axis)), inner = Shapes.Count(shape.AsSpan(axis + 1)), width = shape[axis] * inner;
        int run = Shape[axis] * inner;
        for (int row = 0; row < rows; row++)
        {
            Values.AsSpan(row * run, run).CopyTo(result.Values.AsSpan((row * width) + (start * inner)));
        }

        return result;
    }

    /// <summary>The transpose of <see cref="Gather"/>: rows that were gathered repeatedly receive the sum.</summary>
    public DenseArray<T> Scatter(int[] indices, int[] shape)
    {
        DenseArray<T> result = Zeros(shape);
        int run = Shapes.Count(shape.AsSpan(1));
        for (int i = 0; i < indices.Length; i++)
        {
            Span<T> row = result.Values.AsSpan(indices[i] * run, run);
            TensorPrimitives.Add(row, Values.AsSpan(i * run, run), row);
        }

        return result;
    }

    /// <summary>The transpose of <see cref="Pick"/>: zeros elsewhere in each row.</summary>
    public DenseArray<T> Place(int[] places, int[] shape)
    {
        DenseArray<T> result = Zeros(shape);
        for (int row = 0; row < places.Length; row++)
        {
            result.Values[(row * shape[^1]) + places[row]] = Values[row];
        }

        return result;
    }

    /// <summary>[..., n, m] of [..., m, n].</summary>
    public DenseArray<T> TransposeMatrices() => Permute([.. Enumerable.Range(0, Shape.Length - 2), Shape.Length - 1, Shape.Length - 2]);

    /// <summary>
    /// The transpose of <see cref="MatMul"/> in its right factor: this, the left factor, transposed times the error. One
    /// matrix for all rows takes their sum at once, [k, n]; otherwise [..., k, n].
    /// </summary>
    public DenseArray<T> MatMulBack(DenseArray<T> error, bool oneMatrix) => oneMatrix
        ? Rows().TransposeMatrices().MatMul(error.Rows())
        : TransposeMatrices().MatMul(error);

    private DenseArray<T> Rows() => Reshape([Shapes.Count(Shape.AsSpan(0, Shape.Length - 1)), Shape[^1]]);
}
