namespace Onward.Autodiff;

public sealed partial class DualTensor<T>
{
    /// <summary>Changes the shape and keeps the numbers; linear.</summary>
    /// <param name="shape">The new sizes. One of them may be -1, to be computed from the others.</param>
    /// <returns>A tensor of the new shape.</returns>
    /// <exception cref="ArgumentException">The new shape has another number of elements.</exception>
    public DualTensor<T> Reshape(params ReadOnlySpan<int> shape)
    {
        int[] sizes = shape.ToArray(), before = _value.Shape;
        int open = Array.IndexOf(sizes, -1);
        if (open >= 0)
        {
            sizes[open] = 1;
            sizes[open] = _value.Values.Length / Math.Max(1, Shapes.Count(sizes));
        }

        return Shapes.Count(sizes) == _value.Values.Length
            ? Linear(new(v => v.Reshape(sizes), u => u.Reshape(before)))
            : throw new ArgumentException(
                $"A new shape holds as many numbers as the old; {Shapes.Text(Shape)} has {_value.Values.Length} "
                + $"and does not fill {Shapes.Text(shape)}. Give -1 for one size to have it computed.",
                nameof(shape));
    }

    /// <summary>Reorders the axes; linear.</summary>
    /// <param name="order">Axis i of the result is axis order[i] of this tensor.</param>
    /// <returns>A tensor with the axes in the new order.</returns>
    /// <exception cref="ArgumentException">The order does not contain each axis once.</exception>
    public DualTensor<T> Permute(params ReadOnlySpan<int> order)
    {
        if (order.Length != Shape.Length)
        {
            throw new ArgumentException(
                $"An order names each axis of {Shapes.Text(Shape)} once; got {Shapes.Text(order)}. Name the axes that stay, too.",
                nameof(order));
        }

        Shapes.Axes(order, Shape);
        int[] axes = new int[order.Length];
        for (int i = 0; i < axes.Length; i++)
        {
            axes[i] = Shapes.Axis(order[i], Shape);
        }

        return Linear(new(v => v.Permute(axes), u => u.PermuteBack(axes)));
    }

    /// <summary>Exchanges the last two axes; linear.</summary>
    /// <returns>[..., n, m] for a tensor [..., m, n].</returns>
    /// <exception cref="ArgumentException">There are less than two axes.</exception>
    public DualTensor<T> Transpose()
    {
        return Shape.Length >= 2
            ? Linear(new(v => v.TransposeMatrices(), u => u.TransposeMatrices()))
            : throw new ArgumentException(
                $"A transpose takes [..., m, n]; got {Shapes.Text(Shape)}. Reshape a vector to a matrix of one row or column.");
    }

    /// <summary>Selects consecutive positions of an axis; linear.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="start">First position.</param>
    /// <param name="length">Number of positions.</param>
    /// <returns>The shape with <paramref name="length"/> at the axis.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such axis, or the positions lie outside it.</exception>
    public DualTensor<T> Slice(int axis, int start, int length)
    {
        int at = Shapes.Axis(axis, Shape);
        int[] shape = _value.Shape;
        return start >= 0 && length >= 0 && start <= Shape[at] - length
            ? Linear(new(v => v.Slice(at, start, length), u => u.Pad(at, start, shape)))
            : throw new ArgumentOutOfRangeException(
                nameof(start),
                start,
                $"A slice lies within its axis; axis {axis} of {Shapes.Text(Shape)} has no places {start} to {start + length - 1}.");
    }

    /// <summary>Selects one position of an axis, and drops the axis; linear.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="index">The position.</param>
    /// <returns>The shape without the axis.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such axis or position.</exception>
    public DualTensor<T> Select(int axis, int index)
    {
        int at = Shapes.Axis(axis, Shape);
        return Slice(axis, index, 1).Reshape(Shapes.Reduce(Shape, [at], keep: false));
    }

    /// <summary>Selects rows of axis 0 by index, as an embedding does; linear.</summary>
    /// <param name="indices">M row indices in any order, possibly repeated; this tensor is [R, ...].</param>
    /// <returns>A tensor [M, ...].</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    /// <exception cref="ArgumentException">The tensor is a scalar.</exception>
    public DualTensor<T> Gather(params ReadOnlySpan<int> indices)
    {
        RequireAxes("Rows are gathered from [R, ...]");
        int[] rows = CheckIndices(indices, Shape[0], 0), shape = _value.Shape;
        return Linear(new(v => v.Gather(rows), u => u.Scatter(rows, shape)));
    }

    /// <summary>Selects one number of each row of the last axis, for example the label's logit; linear.</summary>
    /// <param name="labels">A position for each row, row-major over the leading axes; this tensor is [..., K].</param>
    /// <returns>A tensor [...].</returns>
    /// <exception cref="ArgumentOutOfRangeException">A label is negative or not below K.</exception>
    /// <exception cref="ArgumentException">The number of labels is not the number of rows.</exception>
    public DualTensor<T> Pick(params ReadOnlySpan<int> labels)
    {
        RequireAxes("Numbers are picked from [..., K]");
        int rows = Shapes.Count(Shape[..^1]);
        if (labels.Length != rows)
        {
            throw new ArgumentException(
                $"One label for each row of {Shapes.Text(Shape)}, {rows} in all; got {labels.Length}. "
                + "Take labels and rows from the same batch.",
                nameof(labels));
        }

        int[] places = CheckIndices(labels, Shape[^1], -1), shape = _value.Shape;
        return Linear(new(v => v.Pick(places), u => u.Place(places, shape)));
    }

    private void RequireAxes(string rule)
    {
        if (Shape.IsEmpty)
        {
            throw new ArgumentException($"{rule}; got a scalar []. Reshape it, or keep the axis when you reduce.");
        }
    }

    private int[] CheckIndices(ReadOnlySpan<int> indices, int size, int axis)
    {
        foreach (int index in indices)
        {
            if (index < 0 || index >= size)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(indices), index, $"Axis {axis} of {Shapes.Text(Shape)} has places 0 to {size - 1}. Are labels counted from 1?");
            }
        }

        return indices.ToArray();
    }
}
