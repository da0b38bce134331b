namespace Onward.Layers;

/// <summary>The value that a layer computes its derivative from.</summary>
public enum DerivativeSource
{
    /// <summary>The layer's input.</summary>
    Input,

    /// <summary>The layer's output.</summary>
    Output,

    /// <summary>Either of them. The network gives the layer one that it keeps anyway.</summary>
    Either,
}

/// <summary>
/// A layer that maps each position by itself and keeps the number of channels: an activation function or a normalisation. It runs on a
/// few rows at a time, which stay in the first cache.
/// </summary>
public abstract class RowLayer : Layer
{
    /// <summary>
    /// True for a normalisation. Noise enters behind an affine layer and the normalisations that follow it, because these give every
    /// number the same scale.
    /// </summary>
    public virtual bool IsNormalization => false;

    /// <summary>The value that derivatives are computed from.</summary>
    public abstract DerivativeSource DerivativeSource { get; }

    /// <summary>Counts the floats of state that <see cref="Apply"/> leaves for the derivatives of one row.</summary>
    /// <param name="channels">Floats in a row.</param>
    public virtual int StateOf(int channels) => 0;

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) => input;

    /// <summary>Computes the values of some rows.</summary>
    /// <param name="input">Consecutive rows.</param>
    /// <param name="output">Receives the values; may be <paramref name="input"/>.</param>
    /// <param name="state">Receives the state of the rows.</param>
    public abstract void Apply(ReadOnlySpan<float> input, Span<float> output, Span<float> state);

    /// <summary>Computes the tangent of the output from the tangent of the input.</summary>
    /// <param name="source">The input or the output of the layer, as <see cref="DerivativeSource"/> says.</param>
    /// <param name="state">The state of the rows.</param>
    /// <param name="tangent">The tangent of the input.</param>
    /// <param name="result">Receives the tangent of the output; may be <paramref name="tangent"/>.</param>
    public abstract void ApplyTangent(
        ReadOnlySpan<float> source, ReadOnlySpan<float> state, ReadOnlySpan<float> tangent, Span<float> result);

    /// <summary>
    /// Computes the gradient of the input from the gradient of the output. The default is for symmetric Jacobians, which carry a gradient
    /// as they carry a tangent.
    /// </summary>
    /// <param name="source">The input or the output of the layer, as <see cref="DerivativeSource"/> says.</param>
    /// <param name="state">The state of the rows.</param>
    /// <param name="gradient">The gradient of the output.</param>
    /// <param name="result">Receives the gradient of the input; may be <paramref name="gradient"/>.</param>
    public virtual void ApplyTranspose(
        ReadOnlySpan<float> source, ReadOnlySpan<float> state, ReadOnlySpan<float> gradient, Span<float> result) =>
        ApplyTangent(source, state, gradient, result);
}
