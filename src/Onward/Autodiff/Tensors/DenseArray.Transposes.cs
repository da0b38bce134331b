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
        T[] result = new T[Shapes.Count(shape)];
        ReadOnlySpan<T> source = Values;
        int rows = Shapes.Count(shape.AsSpan(0, axis)), inner = Shapes.Count(shape.AsSpan(axis + 1)), width = shape[axis] * inner;
        int run = Shape[axis] * inner;
        for (int row = 0; row < rows; row++)
        {
            source.Slice(row * run, run).CopyTo(result.AsSpan((row * width) + (start * inner)));
        }

        return new(shape, result);
    }

    /// <summary>Transpose of <see cref="Gather"/>: rows that were gathered several times receive the sum.</summary>
    public DenseArray<T> Scatter(int[] indices, int[] shape)
    {
        T[] result = new T[Shapes.Count(shape)];
        ReadOnlySpan<T> source = Values;
        int run = Shapes.Count(shape.AsSpan(1));
        for (int i = 0; i < indices.Length; i++)
        {
            Span<T> row = result.AsSpan(indices[i] * run, run);
            TensorPrimitives.Add(row, source.Slice(i * run, run), row);
        }

        return new(shape, result);
    }

    /// <summary>Transpose of <see cref="Pick"/>: zero at all other positions of each row.</summary>
    public DenseArray<T> Place(int[] places, int[] shape)
    {
        T[] result = new T[Shapes.Count(shape)];
        ReadOnlySpan<T> source = Values;
        for (int row = 0; row < places.Length; row++)
        {
            result[(row * shape[^1]) + places[row]] = source[row];
        }

        return new(shape, result);
    }
}
