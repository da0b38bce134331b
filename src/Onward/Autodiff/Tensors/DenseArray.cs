using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>Applies a function to each number of x.</summary>
internal delegate void ElementwiseKernel<T>(ReadOnlySpan<T> x, Span<T> destination);

/// <summary>Applies a function to each pair of numbers of x and y.</summary>
internal delegate void PairwiseKernel<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> y, Span<T> destination);

/// <summary>Numbers in row-major order with a shape: a value or a tangent. Arrays are immutable.</summary>
/// <param name="shape">Sizes of the axes; empty for a scalar.</param>
/// <param name="values">The numbers, as many as the shape holds.</param>
internal sealed partial class DenseArray<T>(int[] shape, T[] values)
    where T : struct, IFloatingPointIeee754<T>
{
    public int[] Shape { get; } = shape;

    public T[] Values { get; } = values;

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
        int[] shape = new int[tensor.Rank];
        for (int axis = 0; axis < shape.Length; axis++)
        {
            shape[axis] = checked((int)tensor.Lengths[axis]);
        }

        return new(shape, values);
    }

    public static DenseArray<T> Zeros(ReadOnlySpan<int> shape) => new(shape.ToArray(), new T[Shapes.Count(shape)]);

    public static DenseArray<T> Concatenate(IReadOnlyList<DenseArray<T>> parts, int axis, int[] shape)
    {
        int rows = Shapes.Count(shape.AsSpan(0, axis)), inner = Shapes.Count(shape.AsSpan(axis + 1)), width = shape[axis] * inner;
        T[] result = new T[Shapes.Count(shape)];
        int start = 0;
        foreach (DenseArray<T> part in parts)
        {
            int run = part.Shape[axis] * inner;
            for (int row = 0; row < rows; row++)
            {
                part.Values.AsSpan(row * run, run).CopyTo(result.AsSpan((row * width) + start));
            }

            start += run;
        }

        return new(shape, result);
    }

    /// <summary>Copies into a framework tensor. A scalar becomes [1], because such tensors cannot have rank 0.</summary>
    public Tensor<T> ToTensor()
    {
        nint[] lengths = Shape.Length == 0 ? [1] : [.. Shape.Select(size => (nint)size)];
        return Tensor.Create((T[])Values.Clone(), lengths);
    }

    public DenseArray<T> Map(ElementwiseKernel<T> kernel)
    {
        T[] result = new T[Values.Length];
        kernel(Values, result);
        return new(Shape, result);
    }

    /// <summary>Broadcasts both arrays to their common shape and applies the kernel to each pair.</summary>
    public DenseArray<T> Zip(DenseArray<T> other, PairwiseKernel<T> kernel)
    {
        int[] common = Shapes.Broadcast(Shape, other.Shape);
        T[] result = new T[Shapes.Count(common)];
        kernel(Expand(common).Values, other.Expand(common).Values, result);
        return new(common, result);
    }

    public DenseArray<T> Reshape(int[] shape) => new(shape, Values);

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
        for (int row = 0; row < rows; row++)
        {
            Values.AsSpan((row * width) + (start * inner), run).CopyTo(result.AsSpan(row * run));
        }

        return new(shape, result);
    }

    /// <summary>Selects rows of axis 0: [R, ...] becomes [indices, ...].</summary>
    public DenseArray<T> Gather(int[] indices)
    {
        int run = Shapes.Count(Shape.AsSpan(1));
        T[] result = new T[indices.Length * run];
        for (int i = 0; i < indices.Length; i++)
        {
            Values.AsSpan(indices[i] * run, run).CopyTo(result.AsSpan(i * run));
        }

        return new([indices.Length, .. Shape[1..]], result);
    }

    /// <summary>Selects one number of each row of the last axis: [..., K] becomes [...].</summary>
    public DenseArray<T> Pick(int[] places)
    {
        T[] result = new T[places.Length];
        for (int row = 0; row < places.Length; row++)
        {
            result[row] = Values[(row * Shape[^1]) + places[row]];
        }

        return new(Shape[..^1], result);
    }

    /// <summary>The position of the first maximum in each row of the last axis.</summary>
    public int[] ArgMax()
    {
        int[] places = new int[Shapes.Count(Shape.AsSpan(0, Shape.Length - 1))];
        for (int row = 0; row < places.Length; row++)
        {
            places[row] = TensorPrimitives.IndexOfMax<T>(Values.AsSpan(row * Shape[^1], Shape[^1]));
        }

        return places;
    }

    /// <summary>Sums over axes, which are dropped or kept with size 1.</summary>
    public DenseArray<T> Sum(int[] axes, bool keep)
    {
        int[] kept = [.. Enumerable.Range(0, Shape.Length).Except(axes)];
        T[] source = Permute([.. kept, .. axes]).Values;
        int[] shape = Shapes.Reduce(Shape, axes, keep);
        T[] result = new T[Shapes.Count(shape)];
        for (int row = 0, run = result.Length == 0 ? 0 : source.Length / result.Length; row < result.Length; row++)
        {
            result[row] = TensorPrimitives.Sum<T>(source.AsSpan(row * run, run));
        }

        return new(shape, result);
    }

    /// <summary>Matrix product: [..., m, k] times [..., k, n] is [..., m, n]. Leading axes broadcast.</summary>
    public DenseArray<T> MatMul(DenseArray<T> right)
    {
        int k = Shape[^1], n = right.Shape[^1];
        if (right.Shape.Length == 2)
        {
            T[] product = new T[Shapes.Count(Shape.AsSpan(0, Shape.Length - 1)) * n];
            Multiply(Values, right.Values, product, k, n);
            return new([.. Shape[..^1], n], product);
        }

        int m = Shape[^2];
        int[] leading = Shapes.Broadcast(Shape.AsSpan(0, Shape.Length - 2), right.Shape.AsSpan(0, right.Shape.Length - 2));
        T[] lefts = Expand([.. leading, m, k]).Values, rights = right.Expand([.. leading, k, n]).Values;
        int batches = Shapes.Count(leading);
        T[] products = new T[batches * m * n];
        for (int i = 0; i < batches; i++)
        {
            Multiply(lefts.AsSpan(i * m * k, m * k), rights.AsSpan(i * k * n, k * n), products.AsSpan(i * m * n, m * n), k, n);
        }

        return new([.. leading, m, n], products);
    }

    private static void Multiply(ReadOnlySpan<T> left, ReadOnlySpan<T> right, Span<T> product, int k, int n)
    {
        for (; !product.IsEmpty; product = product[n..], left = left[k..])
        {
            Span<T> row = product[..n];
            for (int i = 0; i < k; i++)
            {
                TensorPrimitives.MultiplyAdd(right.Slice(i * n, n), left[i], row, row);
            }
        }
    }

    // Copies the elements at the given strides. Stride 0 repeats an axis.
    private DenseArray<T> Strided(int[] shape, int[] strides)
    {
        T[] result = new T[Shapes.Count(shape)];
        int run = shape.Length == 0 ? 1 : shape[^1], step = shape.Length == 0 ? 1 : strides[^1];
        int[] place = new int[shape.Length];
        for (int start = 0, source = 0; start < result.Length; start += run)
        {
            Span<T> destination = result.AsSpan(start, run);
            if (step == 1)
            {
                Values.AsSpan(source, run).CopyTo(destination);
            }
            else if (step == 0)
            {
                destination.Fill(Values[source]);
            }
            else
            {
                for (int i = 0; i < run; i++)
                {
                    destination[i] = Values[source + (i * step)];
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
