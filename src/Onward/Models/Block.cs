using Onward.Layers;

namespace Onward.Models;

/// <summary>
/// Describes a block: the layers that learn from a loss of their own. The local loss reads the mean over the positions of the block's
/// output, and is divided among positions and channel groups (paper, section 4).
/// </summary>
/// <param name="layers">The layers, in order.</param>
public sealed class Block(params IReadOnlyList<Layer> layers)
{
    /// <summary>The layers, in order.</summary>
    public IReadOnlyList<Layer> Layers { get; } = layers;

    /// <summary>Groups that the channels of the output are divided into, each with a local loss; default 1.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>
    /// The normalisation of the output before the local head reads it, of whole channel groups; null for none. It does not change what
    /// the next block reads.
    /// </summary>
    public LayerNorm? FeatureNorm { get; init; }
}
