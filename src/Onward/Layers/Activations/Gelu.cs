using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Layers;

/// <summary>The form in which <see cref="Gelu"/> is computed.</summary>
public enum GeluApproximation
{
    /// <summary>The distribution function of the normal, by erf.</summary>
    None,

    /// <summary>The approximation by tanh: (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.</summary>
    Tanh,
}

/// <summary>
/// The Gaussian error linear unit: x P(x), with P the distribution function of the standard normal (Hendrycks and Gimpel 2016).
/// </summary>
/// <param name="approximation">The form of P; by default exact, as in PyTorch.</param>
public sealed class Gelu(GeluApproximation approximation = GeluApproximation.None) : RowLayer
{
    /// <summary>The form of P.</summary>
    public GeluApproximation Approximation => approximation;

    /// <inheritdoc/>
    public override DerivativeSource DerivativeSource => DerivativeSource.Input;

    /// <inheritdoc/>
    public override Reach Reach => Reach.Same;

    /// <inheritdoc/>
    public override int StateOf(int channels) => channels;

    /// <inheritdoc/>
    /// <remarks>The state is the derivative: P(x) + x P'(x).</remarks>
    public override void Apply(ReadOnlySpan<float> input, Span<float> output, Span<float> state)
    {
        if (approximation == GeluApproximation.Tanh)
        {
            GaussianUnit.Tanh(input, output, state);
        }
        else
        {
            GaussianUnit.Exact(input, output, state);
        }
    }

    /// <inheritdoc/>
    public override void ApplyTangent(
        ReadOnlySpan<float> source, ReadOnlySpan<float> state, ReadOnlySpan<float> tangent, Span<float> result) =>
        TensorPrimitives.Multiply(state, tangent, result);

    /// <inheritdoc/>
    public override string ToString() => approximation == GeluApproximation.None ? "Gelu" : $"Gelu({approximation})";
}
