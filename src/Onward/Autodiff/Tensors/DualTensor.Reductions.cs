namespace Onward.Autodiff;

public sealed partial class DualTensor<T>
{
    /// <summary>Sum over some axes; linear.</summary>
    /// <param name="axes">The axes; empty for all.</param>
    /// <param name="keep">True to keep the axes with size 1.</param>
    /// <returns>The shape without the axes, or with size 1 in their place.</returns>
    /// <exception cref="ArgumentException">An axis does not exist or is given twice.</exception>
    public DualTensor<T> Sum(ReadOnlySpan<int> axes = default, bool keep = false)
    {
        int[] shape = _value.Shape, reduced = Shapes.Axes(axes, shape);
        return Linear(new(v => v.Sum(reduced, keep), u => u.Reshape(Shapes.Reduce(shape, reduced, keep: true)).Expand(shape)));
    }

    /// <summary>Mean over some axes.</summary>
    /// <param name="axes">The axes; empty for all.</param>
    /// <param name="keep">True to keep the axes with size 1.</param>
    /// <returns>The shape without the axes, or with size 1 in their place.</returns>
    /// <exception cref="ArgumentException">An axis does not exist or is given twice.</exception>
    public DualTensor<T> Mean(ReadOnlySpan<int> axes = default, bool keep = false)
    {
        DualTensor<T> sum = Sum(axes, keep);
        return sum / T.CreateChecked((double)_value.Values.Length / sum._value.Values.Length);
    }

    /// <summary>Maximum over one axis. Its tangent is the tangent of the first maximum, even if several are equal.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="keep">True to keep the axis with size 1.</param>
    /// <returns>The shape without the axis, or with size 1 in its place.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such axis.</exception>
    /// <exception cref="ArgumentException">The axis has size 0.</exception>
    public DualTensor<T> Max(int axis, bool keep = false)
    {
        int at = Shapes.Axis(axis, Shape);
        if (Shape[at] == 0)
        {
            throw new ArgumentException(
                $"A maximum needs at least one number; axis {axis} of {Shapes.Text(Shape)} is empty.", nameof(axis));
        }

        DualTensor<T> rows = Permute([.. Enumerable.Range(0, Shape.Length).Where(i => i != at), at]);
        return rows.Pick(rows._value.ArgMax()).Reshape(Shapes.Reduce(Shape, [at], keep));
    }

    /// <summary>log Σ exp x over one axis. The maximum is subtracted first, so that nothing overflows.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="keep">True to keep the axis with size 1.</param>
    /// <returns>The shape without the axis, or with size 1 in its place.</returns>
    /// <exception cref="ArgumentException">The axis does not exist or has size 0.</exception>
    public DualTensor<T> LogSumExp(int axis, bool keep = false)
    {
        DualTensor<T> maximum = StopGradient().Max(axis, keep: true);
        DualTensor<T> result = (this - maximum).Exp().Sum([axis], keep: true).Log() + maximum;
        return keep ? result : result.Reshape(Shapes.Reduce(Shape, [Shapes.Axis(axis, Shape)], keep));
    }

    /// <summary>x - log Σ exp x over one axis.</summary>
    /// <param name="axis">The axis.</param>
    /// <returns>A tensor of the same shape.</returns>
    /// <exception cref="ArgumentException">The axis does not exist or has size 0.</exception>
    public DualTensor<T> LogSoftmax(int axis) => this - LogSumExp(axis, keep: true);

    /// <summary>exp x / Σ exp x over one axis.</summary>
    /// <param name="axis">The axis.</param>
    /// <returns>A tensor of the same shape.</returns>
    /// <exception cref="ArgumentException">The axis does not exist or has size 0.</exception>
    public DualTensor<T> Softmax(int axis) => LogSoftmax(axis).Exp();

    /// <summary>
    /// (x - mean) / sqrt(variance + epsilon) over the last axis, without scale or shift: the normalisation of the paper's
    /// networks and of <see cref="Kernels.LayerNormKernel"/>.
    /// </summary>
    /// <param name="epsilon">Number added to the variance. It limits the factor by which a gradient can grow to 1 / sqrt(epsilon),
    /// which is reached if the axis is constant. The default is the paper code's; the networks of Onward.Models use 0.01.</param>
    /// <returns>A tensor of the same shape.</returns>
    /// <exception cref="ArgumentException">The tensor is a scalar.</exception>
    public DualTensor<T> LayerNorm(double epsilon = 1e-5)
    {
        RequireAxes("The last axis of [..., C] is normalised");
        DualTensor<T> centred = this - Mean([-1], keep: true);
        return centred / (centred.Square().Mean([-1], keep: true) + T.CreateChecked(epsilon)).Sqrt();
    }
}
