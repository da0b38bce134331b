using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>Transposes of the linear operations.</summary>
internal sealed partial class DenseArray<T>
{
    /// <summary>Transpose of <see cref="Expand"/>: sums over the repeated axes.</summary>
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

    /// <summary>Transpose of <see cref="Permute"/>.</summary>
    public DenseArray<T> PermuteBack(int[] order) => Permute([.. Enumerable.Range(0, order.Length).OrderBy(i => order[i])]);

    /// <summary>Transpose of <see cref="Slice"/>: pads with zeros.</summary>
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

    /// <summary>Transpose of <see cref="Gather"/>: rows that were gathered several times receive the sum.</summary>
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

    /// <summary>Transpose of <see cref="Pick"/>: zero at all other positions of each row.</summary>
    public DenseArray<T> Place(int[] places, int[] shape)
    {
        DenseArray<T> result = Zeros(shape);
        for (int row = 0; row < places.Length; row++)
        {
            result.Values[(row * shape[^1]) + places[row]] = Values[row];
        }

        return result;
    }

    /// <summary>Exchanges the last two axes: [..., m, n] becomes [..., n, m].</summary>
    public DenseArray<T> TransposeMatrices() => Permute([.. Enumerable.Range(0, Shape.Length - 2), Shape.Length - 1, Shape.Length - 2]);

    /// <summary>Transpose of <see cref="MatMul"/> in its right factor: the transposed left factor (this) times the error.</summary>
    /// <remarks>If one matrix is used for all rows, the result is their sum, [k, n]. Otherwise it is [..., k, n].</remarks>
    public DenseArray<T> MatMulBack(DenseArray<T> error, bool oneMatrix) => oneMatrix
        ? Rows().TransposeMatrices().MatMul(error.Rows())
        : TransposeMatrices().MatMul(error);

    private DenseArray<T> Rows() => Reshape([Shapes.Count(Shape.AsSpan(0, Shape.Length - 1)), Shape[^1]]);
}
