namespace Onward.Autodiff;

public sealed partial class DualTensor<T>
{
    /// <summary>The sum over some axes; linear.</summary>
    /// <param name="axes">The axes; none means all.</param>
    /// <param name="keep">Whether the axes stay with size 1.</param>
    /// <returns>The shape without the axes, or with 1 in their place.</returns>
    /// <exception cref="ArgumentException">An axis does not exist or is named twice.</exception>
    public DualTensor<T> Sum(ReadOnlySpan<int> axes = default, bool keep = false)
    {
        int[] shape = _value.Shape, reduced = Shapes.Axes(axes, shape);
        return Linear(new(v => v.Sum(reduced, keep), u => u.Reshape(Shapes.Reduce(shape, reduced, keep: true)).Expand(shape)));
    }

    /// <summary>The mean over some axes: their sum divided by their size.</summary>
    /// <param name="axes">The axes; none means all.</param>
    /// <param name="keep">Whether the axes stay with size 1.</param>
    /// <returns>The shape without the axes, or with 1 in their place.</returns>
    /// <exception cref="ArgumentException">An axis does not exist or is named twice.</exception>
    public DualTensor<T> Mean(ReadOnlySpan<int> axes = default, bool keep = false)
    {
        DualTensor<T> sum = Sum(axes, keep);
        return sum / T.CreateChecked((double)_value.Values.Length / sum._value.Values.Length);
    }

    /// <summary>The maximum over one axis. Its tangent is that of the first maximum: of equals, the others get none.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="keep">Whether the axis stays with size 1.</param>
    /// <returns>The shape without the axis, or with 1 in its place.</returns>
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

    /// <summary>log sum exp x over one axis, computed from x less its maximum so that nothing overflows.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="keep">Whether the axis stays with size 1.</param>
    /// <returns>The shape without the axis, or with 1 in its place.</returns>
    /// <exception cref="ArgumentException">The axis does not exist or has size 0.</exception>
    public DualTensor<T> LogSumExp(int axis, bool keep = false)
    {
        DualTensor<T> maximum = StopGradient().Max(axis, keep: true);
        DualTensor<T> result = (this - maximum).Exp().Sum([axis], keep: true).Log() + maximum;
        return keep ? result : result.Reshape(Shapes.Reduce(Shape, [Shapes.Axis(axis, Shape)], keep));
    }

    /// <summary>x - log sum exp x over one axis.</summary>
    /// <param name="axis">The axis.</param>
    /// <returns>[shape].</returns>
    /// <exception cref="ArgumentException">The axis does not exist or has size 0.</exception>
    public DualTensor<T> LogSoftmax(int axis) => this - LogSumExp(axis, keep: true);

    /// <summary>exp x / sum exp x over one axis.</summary>
    /// <param name="axis">The axis.</param>
    /// <returns>[shape].</returns>
    /// <exception cref="ArgumentException">The axis does not exist or has size 0.</exception>
    public DualTensor<T> Softmax(int axis) => LogSoftmax(axis).Exp();

    /// <summary>
    /// (x - mean) / sqrt(variance + epsilon) over the last axis, without scale or shift: the normalisation of the paper's
    /// networks and of <see cref="Kernels.LayerNorm"/>.
    /// </summary>
    /// <param name="epsilon">
    /// Number added to the variance. A gradient grows at most by 1 / sqrt(epsilon), which it does where the axis is flat. The default is
    /// that of
    /// the paper's code; the networks of Onward.Models take 0.01.
    /// </param>
    /// <returns>[shape].</returns>
    /// <exception cref="ArgumentException">This is a scalar.</exception>
    public DualTensor<T> LayerNorm(double epsilon = 1e-5)
    {
        RequireAxes("The last axis of [..., C] is normalised");
        DualTensor<T> centred = this - Mean([-1], keep: true);
        return centred / (centred.Square().Mean([-1], keep: true) + T.CreateChecked(epsilon)).Sqrt();
    }
}
