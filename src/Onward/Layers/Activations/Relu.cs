using Onward.Kernels;

namespace Onward.Layers;

/// <summary>The rectifier: max(0, x).</summary>
public sealed class Relu : RowLayer
{
    /// <inheritdoc/>
    public override DerivativeSource DerivativeSource => DerivativeSource.Either;

    /// <inheritdoc/>
    public override Reach Reach => Reach.Same;

    /// <inheritdoc/>
    public override void Apply(ReadOnlySpan<float> input, Span<float> output, Span<float> state) => Activation.Relu(input, output);

    /// <inheritdoc/>
    public override void ApplyTangent(
        ReadOnlySpan<float> source, ReadOnlySpan<float> state, ReadOnlySpan<float> tangent, Span<float> result)
    {
        tangent.CopyTo(result);
        Activation.Mask(source, result);
    }

    /// <inheritdoc/>
    public override string ToString() => "Relu";
}
