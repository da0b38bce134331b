using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>Applies a function to each number of x.</summary>
internal delegate void ElementwiseKernel<T>(ReadOnlySpan<T> x, Span<T> destination);

/// <summary>Applies a function to each pair of numbers of x and y.</summary>
internal delegate void PairwiseKernel<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> y, Span<T> destination);

/// <summary>Numbers in row-major order with a shape: a value or a tangent. Arrays are immutable.</summary>
/// <remarks>
/// The numbers lie in memory of the array's own, or in a tensor of the user. A transpose takes no memory until its numbers are read
/// one by one; a matrix product reads the memory of the array that was transposed.
/// </remarks>
internal sealed partial class DenseArray<T>
    where T : struct, IFloatingPointIeee754<T>
{
    // Numbers of a row from which adding whole rows is faster than bringing the numbers of each sum together.
    private const int ShortestRow = 16;

    private readonly Tensor<T>? _tensor;
    private readonly DenseArray<T>? _transposed;
    private T[]? _own;

    /// <summary>Creates an array of numbers in memory of its own.</summary>
    /// <param name="shape">Sizes of the axes; empty for a scalar.</param>
    /// <param name="values">The numbers, as many as the shape holds.</param>
    public DenseArray(int[] shape, T[] values)
        : this(shape, values, null, null)
    {
    }

    private DenseArray(int[] shape, T[]? own, Tensor<T>? tensor, DenseArray<T>? transposed)
    {
        Shape = shape;
        _own = own;
        _tensor = tensor;
        _transposed = transposed;
    }

    /// <summary>Sizes of the axes; empty for a scalar.</summary>
    public int[] Shape { get; }

    /// <summary>The numbers, row-major.</summary>
    public ReadOnlySpan<T> Values => _tensor is null ? Own() : _tensor.GetSpan(stackalloc nint[_tensor.Rank], (int)_tensor.FlattenedLength);

    public static DenseArray<T> operator +(DenseArray<T> x, DenseArray<T> y) => x.Zip(y, TensorPrimitives.Add);

    public static DenseArray<T> operator -(DenseArray<T> x, DenseArray<T> y) => x.Zip(y, TensorPrimitives.Subtract);

    public static DenseArray<T> operator *(DenseArray<T> x, DenseArray<T> y) => x.Zip(y, TensorPrimitives.Multiply);

    public static DenseArray<T> operator /(DenseArray<T> x, DenseArray<T> y) => x.Zip(y, TensorPrimitives.Divide);

    public static DenseArray<T> operator -(DenseArray<T> x) => x.Map(TensorPrimitives.Negate);

    /// <summary>Copies a framework tensor, dense or not.</summary>
    public static DenseArray<T> From(Tensor<T> tensor)
    {
        T[] values = new T[checked((int)tensor.FlattenedLength)];
        tensor.FlattenTo(values);
        return new(ShapeOf(tensor), values);
    }

    /// <summary>Reads a framework tensor in its own memory if it is dense, and copies it otherwise.</summary>
    /// <remarks>The array changes with the tensor, so it must not outlive the time in which the tensor is left as it is.</remarks>
    public static DenseArray<T> Over(Tensor<T> tensor) => tensor.IsDense && tensor.FlattenedLength is > 0 and <= int.MaxValue
        ? new(ShapeOf(tensor), null, tensor, null)
        : From(tensor);

    public static DenseArray<T> Zeros(ReadOnlySpan<int> shape) => new(shape.ToArray(), new T[Shapes.Count(shape)]);

    public static DenseArray<T> Concatenate(IReadOnlyList<DenseArray<T>> parts, int axis, int[] shape)
    {
        int rows = Shapes.Count(shape.AsSpan(0, axis)), inner = Shapes.Count(shape.AsSpan(axis + 1)), width = shape[axis] * inner;
        T[] result = new T[Shapes.Count(shape)];
        int start = 0;
        foreach (DenseArray<T> part in parts)
        {
            ReadOnlySpan<T> source = part.Values;
            int run = part.Shape[axis] * inner;
            for (int row = 0; row < rows; row++)
            {
                source.Slice(row * run, run).CopyTo(result.AsSpan((row * width) + start));
            }

            start += run;
        }

        return new(shape, result);
    }

    /// <summary>Copies into a framework tensor. A scalar becomes [1], because such tensors cannot have rank 0.</summary>
    public Tensor<T> ToTensor() => Tensor.Create(Values.ToArray(), Lengths());

    /// <summary>Hands the array's memory to a framework tensor. Memory that was handed over before is copied.</summary>
    /// <param name="handedOver">The memory handed over so far; receives this array's.</param>
    public Tensor<T> HandOver(HashSet<T[]> handedOver) =>
        _tensor is null && handedOver.Add(Own()) ? Tensor.Create(Own(), Lengths()) : ToTensor();

    public DenseArray<T> Map(ElementwiseKernel<T> kernel)
    {
        T[] result = GC.AllocateUninitializedArray<T>(Values.Length);
        kernel(Values, result);
        return new(Shape, result);
    }

    public DenseArray<T> Reshape(int[] shape) => new(shape, _tensor is null ? Own() : null, _tensor, null);

    /// <summary>Broadcasts to a shape: repeats axes of size 1 and adds leading axes.</summary>
    public DenseArray<T> Expand(int[] shape)
    {
        if (Shape.AsSpan().SequenceEqual(shape))
        {
            return this;
        }

        int[] strides = new int[shape.Length];
        for (int i = 1, stride = 1; i <= Shape.Length; stride *= Shape[^i], i++)
        {
            strides[^i] = Shape[^i] == 1 ? 0 : stride;
        }

        return Strided(shape, strides);
    }

    /// <summary>Reorders the axes. Axis i of the result is axis order[i] of this array.</summary>
    public DenseArray<T> Permute(int[] order)
    {
        if (order.AsSpan().SequenceEqual(Enumerable.Range(0, order.Length).ToArray()))
        {
            return this;
        }

        int[] shape = new int[order.Length], strides = new int[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            shape[i] = Shape[order[i]];
            strides[i] = Shapes.Count(Shape.AsSpan(order[i] + 1));
        }

        return Strided(shape, strides);
    }

    public DenseArray<T> Slice(int axis, int start, int length)
    {
        int rows = Shapes.Count(Shape.AsSpan(0, axis)), inner = Shapes.Count(Shape.AsSpan(axis + 1)), width = Shape[axis] * inner;
        int run = length * inner;
        int[] shape = [.. Shape];
        shape[axis] = length;
        T[] result = new T[rows * run];
        ReadOnlySpan<T> source = Values;
        for (int row = 0; row < rows; row++)
        {
            source.Slice((row * width) + (start * inner), run).CopyTo(result.AsSpan(row * run));
        }

        return new(shape, result);
    }

    /// <summary>Selects rows of axis 0: [R, ...] becomes [indices, ...].</summary>
    public DenseArray<T> Gather(int[] indices)
    {
        int run = Shapes.Count(Shape.AsSpan(1));
        T[] result = new T[indices.Length * run];
        ReadOnlySpan<T> source = Values;
        for (int i = 0; i < indices.Length; i++)
        {
            source.Slice(indices[i] * run, run).CopyTo(result.AsSpan(i * run));
        }

        return new([indices.Length, .. Shape[1..]], result);
    }

    /// <summary>Selects one number of each row of the last axis: [..., K] becomes [...].</summary>
    public DenseArray<T> Pick(int[] places)
    {
        T[] result = new T[places.Length];
        ReadOnlySpan<T> source = Values;
        for (int row = 0; row < places.Length; row++)
        {
            result[row] = source[(row * Shape[^1]) + places[row]];
        }

        return new(Shape[..^1], result);
    }

    /// <summary>The position of the first maximum in each row of the last axis.</summary>
    public int[] ArgMax()
    {
        int[] places = new int[Shapes.Count(Shape.AsSpan(0, Shape.Length - 1))];
        ReadOnlySpan<T> source = Values;
        for (int row = 0; row < places.Length; row++)
        {
            places[row] = TensorPrimitives.IndexOfMax(source.Slice(row * Shape[^1], Shape[^1]));
        }

        return places;
    }

    /// <summary>Sums over axes, which are dropped or kept with size 1.</summary>
    public DenseArray<T> Sum(int[] axes, bool keep)
    {
        int[] kept = [.. Enumerable.Range(0, Shape.Length).Except(axes)];
        int[] shape = Shapes.Reduce(Shape, axes, keep);
        T[] result = new T[Shapes.Count(shape)];
        bool areFirst = kept.Length > 0 && kept[0] == axes.Length;
        if (areFirst && result.Length >= ShortestRow)
        {
            for (ReadOnlySpan<T> rows = Values; !rows.IsEmpty; rows = rows[result.Length..])
            {
                TensorPrimitives.Add(result, rows[..result.Length], result);
            }

            return new(shape, result);
        }

        ReadOnlySpan<T> source = Permute([.. kept, .. axes]).Values;
        for (int row = 0, run = result.Length == 0 ? 0 : source.Length / result.Length; row < result.Length; row++)
        {
            foreach (T number in source.Slice(row * run, run))
            {
                result[row] += number;
            }
        }

        return new(shape, result);
    }

    private static int[] ShapeOf(Tensor<T> tensor)
    {
        int[] shape = new int[tensor.Rank];
        for (int axis = 0; axis < shape.Length; axis++)
        {
            shape[axis] = checked((int)tensor.Lengths[axis]);
        }

        return shape;
    }

    private nint[] Lengths() => Shape.Length == 0 ? [1] : [.. Shape.Select(size => (nint)size)];

    // The memory of the array's own, which a transpose gets when it is first read.
    private T[] Own() => _own ??= _transposed!.Permute(LastTwoExchanged(Shape.Length))._own!;

    // Copies the elements at the given strides. Stride 0 repeats an axis.
    private DenseArray<T> Strided(int[] shape, int[] strides)
    {
        T[] result = new T[Shapes.Count(shape)];
        ReadOnlySpan<T> values = Values;
        int run = shape.Length == 0 ? 1 : shape[^1], step = shape.Length == 0 ? 1 : strides[^1];
        int[] place = new int[shape.Length];
        for (int start = 0, source = 0; start < result.Length; start += run)
        {
            Span<T> destination = result.AsSpan(start, run);
            if (step == 1)
            {
                values.Slice(source, run).CopyTo(destination);
            }
            else if (step == 0)
            {
                destination.Fill(values[source]);
            }
            else
            {
                for (int i = 0; i < run; i++)
                {
                    destination[i] = values[source + (i * step)];
                }
            }

            for (int axis = shape.Length - 2; axis >= 0; axis--)
            {
                source += strides[axis];
                if (++place[axis] < shape[axis])
                {
                    break;
                }

                source -= strides[axis] * shape[axis];
                place[axis] = 0;
            }
        }

        return new(shape, result);
    }
}
