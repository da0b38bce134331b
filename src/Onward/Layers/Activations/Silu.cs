using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Layers;

/// <summary>The sigmoid-weighted linear unit: x sigmoid(x) (Hendrycks and Gimpel 2016).</summary>
public sealed class Silu : RowLayer
{
    /// <inheritdoc/>
    public override DerivativeSource DerivativeSource => DerivativeSource.Input;

    /// <inheritdoc/>
    public override Reach Reach => Reach.Same;

    /// <inheritdoc/>
    public override int StateOf(int channels) => channels;

    /// <inheritdoc/>
    /// <remarks>The state is the derivative: s + x s (1 - s) with s = sigmoid(x).</remarks>
    public override void Apply(ReadOnlySpan<float> input, Span<float> output, Span<float> state)
    {
        Pointwise.Sigmoid(input, state);
        for (int i = 0; i < input.Length; i++)
        {
            float x = input[i], s = state[i];
            output[i] = x * s;
            state[i] = s + (x * s * (1 - s));
        }
    }

    /// <inheritdoc/>
    public override void ApplyTangent(
        ReadOnlySpan<float> source, ReadOnlySpan<float> state, ReadOnlySpan<float> tangent, Span<float> result) =>
        TensorPrimitives.Multiply(state, tangent, result);

    /// <inheritdoc/>
    public override string ToString() => "Silu";
}
