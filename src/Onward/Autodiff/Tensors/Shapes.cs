namespace Onward.Autodiff;

/// <summary>Rules of shapes and axes, with their error messages.</summary>
internal static class Shapes
{
    /// <summary>Number of elements of an array of this shape; 1 for a scalar [].</summary>
    public static int Count(ReadOnlySpan<int> shape)
    {
        int count = 1;
        foreach (int size in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(shape));
            count = checked(count * size);
        }

        return count;
    }

    public static string Text(ReadOnlySpan<int> shape) => $"[{string.Join(", ", shape.ToArray())}]";

    /// <summary>Converts an axis to a count from 0. Negative axes count from the end.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The shape has no such axis.</exception>
    public static int Axis(int axis, ReadOnlySpan<int> shape)
    {
        int fromStart = axis < 0 ? axis + shape.Length : axis;
        return fromStart >= 0 && fromStart < shape.Length
            ? fromStart
            : throw new ArgumentOutOfRangeException(
                nameof(axis),
                axis,
                $"{Text(shape)} has {shape.Length} axes, 0 to {shape.Length - 1}, or -{shape.Length} to -1 from the end.");
    }

    /// <summary>Converts axes to counts from 0, in ascending order. No axes stands for all axes.</summary>
    /// <exception cref="ArgumentException">An axis is given twice.</exception>
    public static int[] Axes(ReadOnlySpan<int> axes, ReadOnlySpan<int> shape)
    {
        if (axes.IsEmpty)
        {
            return [.. Enumerable.Range(0, shape.Length)];
        }

        int[] ascending = new int[axes.Length];
        for (int i = 0; i < axes.Length; i++)
        {
            ascending[i] = Axis(axes[i], shape);
        }

        Array.Sort(ascending);
        return ascending.Distinct().Count() == axes.Length
            ? ascending
            : throw new ArgumentException(
                $"Each axis is named once; {Text(axes)} of {Text(shape)} names one twice (negative axes count from the end).",
                nameof(axes));
    }

    /// <summary>The common shape under broadcasting: aligned at the last axis, sizes are equal, or one of them is 1 or missing.</summary>
    /// <exception cref="ArgumentException">The shapes do not broadcast.</exception>
    public static int[] Broadcast(ReadOnlySpan<int> left, ReadOnlySpan<int> right)
    {
        int[] shape = new int[Math.Max(left.Length, right.Length)];
        for (int i = 1; i <= shape.Length; i++)
        {
            int l = i <= left.Length ? left[^i] : 1;
            int r = i <= right.Length ? right[^i] : 1;
            shape[^i] = l == r || r == 1 ? l : l == 1 ? r : throw new ArgumentException(
                $"Aligned at the last axis, sizes must be equal or 1; {Text(left)} and {Text(right)} differ at axis -{i}. "
                + "Reshape one of them to have size 1 there, or keep the axis when you reduce.");
        }

        return shape;
    }

    /// <summary>The number of the element that element <paramref name="i"/> of a broadcast array is read from.</summary>
    /// <param name="i">Number of the element, row-major.</param>
    /// <param name="broadcast">Shape of the broadcast array.</param>
    /// <param name="shape">Shape of the array that was broadcast to it.</param>
    public static int Place(int i, ReadOnlySpan<int> broadcast, ReadOnlySpan<int> shape)
    {
        int place = 0;
        for (int axis = 1, stride = 1; axis <= shape.Length; i /= broadcast[^axis], stride *= shape[^axis], axis++)
        {
            place += shape[^axis] == 1 ? 0 : i % broadcast[^axis] * stride;
        }

        return place;
    }

    /// <summary>The shape without some axes, or with size 1 in their place.</summary>
    public static int[] Reduce(ReadOnlySpan<int> shape, int[] axes, bool keep)
    {
        List<int> reduced = [];
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (!axes.Contains(axis))
            {
                reduced.Add(shape[axis]);
            }
            else if (keep)
            {
                reduced.Add(1);
            }
        }

        return [.. reduced];
    }
}
