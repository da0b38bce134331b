namespace Onward.Layers;

/// <summary>A layer without parameters that mixes the positions of an example or changes their number, such as pooling.</summary>
public abstract class ExampleLayer : Layer
{
    /// <inheritdoc/>
    public override Reach Reach => Reach.Everywhere;

    /// <summary>Computes the values of whole examples.</summary>
    /// <param name="input">Rows [examples, positions, channels].</param>
    /// <param name="output">Receives the values.</param>
    public abstract void Apply(ReadOnlySpan<float> input, Span<float> output);

    /// <summary>Computes the tangent of the output from the tangent of the input.</summary>
    /// <param name="input">The input of the layer.</param>
    /// <param name="tangent">The tangent of the input.</param>
    /// <param name="output">Receives the tangent of the output.</param>
    public abstract void ApplyTangent(ReadOnlySpan<float> input, ReadOnlySpan<float> tangent, Span<float> output);

    /// <summary>Computes the gradient of the input from the gradient of the output.</summary>
    /// <param name="input">The input of the layer.</param>
    /// <param name="outputGradient">The gradient of the output.</param>
    /// <param name="inputGradient">Receives the gradient of the input.</param>
    public abstract void ApplyTranspose(ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient, Span<float> inputGradient);
}
