namespace Onward.Layers;

/// <summary>
/// Adds its input to the output of its layers: y = f(x) + x. If the layers widen the channels by a whole factor, x is added once for each
/// copy that fits (paper's code).
/// </summary>
/// <param name="layers">The layers of f, in order.</param>
public sealed class Residual(params IReadOnlyList<Layer> layers) : Layer
{
    /// <summary>The layers of f, in order.</summary>
    public IReadOnlyList<Layer> Layers { get; } = layers;

    /// <inheritdoc/>
    public override Reach Reach => Layers.Aggregate(Reach.Same, (reach, layer) => reach.Then(layer.Reach)).Or(Reach.Same);

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input)
    {
        ExampleShape output = Layers.Aggregate(input, (shape, layer) => layer.OutputOf(shape));
        return (output.Height, output.Width) == (input.Height, input.Width) && output.Channels % input.Channels == 0
            ? output
            : throw new ArgumentException(
                $"A residual adds its input to its output, so both need the same positions and channels, or whole copies; "
                + $"its layers turn {input} into {output}.");
    }

    /// <inheritdoc/>
    public override string ToString() => $"Residual({string.Join(", ", Layers)})";
}
