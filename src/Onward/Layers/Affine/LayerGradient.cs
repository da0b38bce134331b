namespace Onward.Layers;

/// <summary>Memory for the gradient of a layer's parameters.</summary>
/// <param name="weight">The gradient of the weight, of the shape of the weight.</param>
/// <param name="bias">The gradient of the bias, of the shape of the bias.</param>
/// <param name="accumulate">True to add to the gradient instead of overwriting it.</param>
public readonly ref struct LayerGradient(Span<float> weight, Span<float> bias, bool accumulate)
{
    /// <summary>The gradient of the weight, of the shape of the weight.</summary>
    public Span<float> Weight { get; } = weight;

    /// <summary>The gradient of the bias, of the shape of the bias.</summary>
    public Span<float> Bias { get; } = bias;

    /// <summary>True to add to the gradient instead of overwriting it.</summary>
    public bool Accumulate { get; } = accumulate;
}

/// <summary>The rows that a weight gradient is summed over: the inputs of a layer and the gradients of its outputs.</summary>
/// <param name="input">The inputs of the layer [rows, inputs], whole examples.</param>
/// <param name="packedGradient">The packed gradients of the outputs.</param>
/// <param name="rows">Number of rows.</param>
/// <param name="capacity">Rows for which <paramref name="packedGradient"/> is laid out.</param>
public readonly ref struct GradientRows(ReadOnlySpan<float> input, ReadOnlySpan<float> packedGradient, int rows, int capacity)
{
    /// <summary>The inputs of the layer [rows, inputs], whole examples.</summary>
    public ReadOnlySpan<float> Input { get; } = input;

    /// <summary>The packed gradients of the outputs.</summary>
    public ReadOnlySpan<float> PackedGradient { get; } = packedGradient;

    /// <summary>Number of rows.</summary>
    public int Count { get; } = rows;

    /// <summary>Rows for which <see cref="PackedGradient"/> is laid out.</summary>
    public int Capacity { get; } = capacity;
}
