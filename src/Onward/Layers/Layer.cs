namespace Onward.Layers;

/// <summary>
/// A layer of a network: a map of each example by itself. A layer describes mathematics and owns no memory and no parameters, so one
/// object may stand in several networks.
/// </summary>
public abstract class Layer
{
    private protected Layer()
    {
    }

    /// <summary>The layer's name within its block, which its parameters carry; null for the default, its kind and its number.</summary>
    public string? Name { get; init; }

    /// <summary>Computes the shape of the output.</summary>
    /// <param name="input">The shape of the input.</param>
    /// <exception cref="ArgumentException">The layer does not take such an input; the message names the layer and both shapes.</exception>
    public abstract ExampleShape OutputOf(ExampleShape input);

    /// <summary>Declares the outputs that one number of the input can change.</summary>
    public abstract Reach Reach { get; }

    private protected ArgumentException Refuse(ExampleShape input, string takes) =>
        new($"{this} takes {takes}; its input is {input}.");
}
