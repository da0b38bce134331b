using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>Creates dual tensors.</summary>
public static class DualTensor
{
    /// <summary>Creates a constant from numbers.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="values">The numbers, row-major; they are copied.</param>
    /// <param name="shape">Sizes of the axes; empty for a scalar.</param>
    /// <returns>A tensor of this shape, without tangents.</returns>
    /// <exception cref="ArgumentException">The shape does not match the number of values.</exception>
    public static DualTensor<T> Constant<T>(ReadOnlySpan<T> values, params ReadOnlySpan<int> shape)
        where T : struct, IFloatingPointIeee754<T> => Shapes.Count(shape) == values.Length
            ? new(new DenseArray<T>(shape.ToArray(), values.ToArray()))
            : throw new ArgumentException(
                $"{Shapes.Text(shape)} holds {Shapes.Count(shape)} numbers; got {values.Length}.", nameof(values));

    /// <summary>Creates a constant from a framework tensor.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="tensor">The tensor, dense or not; it is copied.</param>
    /// <returns>A tensor of the same shape, without tangents.</returns>
    public static DualTensor<T> Constant<T>(Tensor<T> tensor)
        where T : struct, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return new(DenseArray<T>.From(tensor));
    }

    /// <summary>Creates a one-hot row for each label: 1 at the label, 0 elsewhere.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="labels">N classes.</param>
    /// <param name="classes">Number of classes K.</param>
    /// <returns>A tensor [N, K], without tangents.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A label is negative or not below K.</exception>
    public static DualTensor<T> OneHot<T>(ReadOnlySpan<int> labels, int classes)
        where T : struct, IFloatingPointIeee754<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        T[] result = new T[labels.Length * classes];
        for (int row = 0; row < labels.Length; row++)
        {
            if (labels[row] < 0 || labels[row] >= classes)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(labels), labels[row], $"Labels of {classes} classes are 0 to {classes - 1}. Are they counted from 1?");
            }

            result[(row * classes) + labels[row]] = T.One;
        }

        return new(new DenseArray<T>([labels.Length, classes], result));
    }

    /// <summary>Joins tensors along an axis; linear.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="axis">The axis along which the sizes add up.</param>
    /// <param name="parts">At least one tensor; shapes must be equal except at the axis.</param>
    /// <returns>The common shape, with the sum of the sizes at the axis.</returns>
    /// <exception cref="ArgumentException">There are no parts, or their shapes differ at another axis.</exception>
    public static DualTensor<T> Concatenate<T>(int axis, params ReadOnlySpan<DualTensor<T>> parts)
        where T : struct, IFloatingPointIeee754<T>
    {
        if (parts.IsEmpty)
        {
            throw new ArgumentException("Joining takes at least one tensor.", nameof(parts));
        }

        int[] shape = parts[0].Shape.ToArray();
        int at = Shapes.Axis(axis, shape);
        foreach (DualTensor<T> part in parts[1..])
        {
            if (part.Shape.Length != shape.Length
                || !Shapes.Reduce(part.Shape, [at], keep: true).AsSpan().SequenceEqual(Shapes.Reduce(shape, [at], keep: true)))
            {
                throw new ArgumentException(
                    $"Joined along axis {axis}, shapes are equal elsewhere; "
                    + $"got {Shapes.Text(parts[0].Shape)} and {Shapes.Text(part.Shape)}. Join along another axis, or reshape.",
                    nameof(parts));
            }

            shape[at] += part.Shape[at];
        }

        return DualTensor<T>.Join(parts, at, shape);
    }
}
