using System.Text.Json.Serialization;

namespace Onward.Layers;

/// <summary>
/// The shape of one example at a place in a network: positions on a grid, each with channels. A vector is one position; a sequence is a
/// grid of width 1. In memory, the channels of a position are adjacent, and positions follow row by row.
/// </summary>
/// <param name="Height">Rows of the grid.</param>
/// <param name="Width">Columns of the grid.</param>
/// <param name="Channels">Numbers at each position.</param>
[method: JsonConstructor]
public readonly record struct ExampleShape(int Height, int Width, int Channels)
{
    /// <summary>Positions of an example.</summary>
    [JsonIgnore]
    public int Positions => checked(Height * Width);

    /// <summary>Numbers of an example.</summary>
    [JsonIgnore]
    public int Length => checked(Height * Width * Channels);

    /// <summary>The shape of a vector.</summary>
    /// <param name="channels">Numbers in the vector.</param>
    public static ExampleShape Vector(int channels) => new(1, 1, channels);

    /// <inheritdoc/>
    public override string ToString() => (Height, Width) == (1, 1) ? $"{Channels}" : $"{Height} x {Width} x {Channels}";
}
