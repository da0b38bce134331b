namespace Onward.Layers;

/// <summary>Takes all positions of an example as one: their channels, one position after another. Nothing moves in memory.</summary>
public sealed class Flatten : Layer
{
    /// <inheritdoc/>
    public override Reach Reach => Reach.Everywhere;

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) => ExampleShape.Vector(input.Length);

    /// <inheritdoc/>
    public override string ToString() => "Flatten";
}
