namespace Onward.Layers;

/// <summary>
/// A layer without parameters that mixes the positions of an example or changes their number, such as pooling. It computes one example
/// at a time.
/// </summary>
public abstract class ExampleLayer : Layer
{
    /// <inheritdoc/>
    public override Reach Reach => Reach.Everywhere;

    /// <summary>Counts the floats of state that <see cref="Apply"/> leaves for the derivatives of an example; by default 0.</summary>
    /// <param name="input">The shape of the input.</param>
    public virtual int StateOf(ExampleShape input) => 0;

    /// <summary>Counts the floats of workspace that values or derivatives of an example need; by default 0.</summary>
    /// <param name="input">The shape of the input.</param>
    public virtual int WorkspaceOf(ExampleShape input) => 0;

    /// <summary>Computes the values of an example.</summary>
    /// <param name="example">The input, and memory for the state.</param>
    /// <param name="output">Receives the values [positions, channels].</param>
    public abstract void Apply(in ExampleValues example, Span<float> output);

    /// <summary>Computes the tangent of the output from the tangent of the input.</summary>
    /// <param name="example">The input and the state of the example.</param>
    /// <param name="tangent">The tangent of the input.</param>
    /// <param name="result">Receives the tangent of the output.</param>
    public abstract void ApplyTangent(in ExampleValues example, ReadOnlySpan<float> tangent, Span<float> result);

    /// <summary>Computes the gradient of the input from the gradient of the output.</summary>
    /// <param name="example">The input and the state of the example.</param>
    /// <param name="gradient">The gradient of the output.</param>
    /// <param name="result">Receives the gradient of the input.</param>
    public abstract void ApplyTranspose(in ExampleValues example, ReadOnlySpan<float> gradient, Span<float> result);
}

/// <summary>One example at an <see cref="ExampleLayer"/>.</summary>
/// <param name="shape">The shape of the input.</param>
/// <param name="input">The input [positions, channels].</param>
/// <param name="state">The state that the values leave for the derivatives (<see cref="ExampleLayer.StateOf"/>).</param>
/// <param name="workspace">Memory whose content does not outlast a call (<see cref="ExampleLayer.WorkspaceOf"/>).</param>
public readonly ref struct ExampleValues(ExampleShape shape, ReadOnlySpan<float> input, Span<float> state, Span<float> workspace)
{
    /// <summary>The shape of the input.</summary>
    public ExampleShape Shape { get; } = shape;

    /// <summary>The input [positions, channels].</summary>
    public ReadOnlySpan<float> Input { get; } = input;

    /// <summary>The state that the values leave for the derivatives.</summary>
    public Span<float> State { get; } = state;

    /// <summary>Memory whose content does not outlast a call.</summary>
    public Span<float> Workspace { get; } = workspace;
}
