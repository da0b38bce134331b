using Onward.Engine;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Rules;

/// <summary>The memory of one thread for the tangent of one tile. Rows are [example, patch].</summary>
internal sealed class TangentMemory
{
    private readonly Memory<float>[][] _directions;

    /// <summary>Allocates the memory for a thread's tiles.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tiles">The thread's tile in each block.</param>
    /// <param name="ownDirections">True to keep directions in memory of their own, false to keep them in the tiles' gradients.</param>
    internal TangentMemory(LocalMixer model, IReadOnlyList<BlockTile> tiles, bool ownDirections)
    {
        int examples = tiles[0].Activations.Examples;
        int layers = model.Blocks.Max(block => block.Layers.Count);
        int widest = checked(examples * model.LargestOutput), groups = checked(examples * model.LargestGroups);
        BlockTile[] distinct = [.. tiles.Distinct()];
        _directions = ownDirections
            ?
            [
                .. distinct.Select(
                    tile => Enumerable.Range(0, layers).Select(
                        l => AlignedMemory.Allocate(examples * model.LargestLayer(l, layer => layer.Outputs))).ToArray()),
            ]
            : [];
        Source = AlignedMemory.Allocate(distinct.Length > 1 ? widest : 0);
        Input = AlignedMemory.Allocate(widest);
        Output = AlignedMemory.Allocate(widest);
        GroupCredit = AlignedMemory.Allocate(groups);
        RowCredit = AlignedMemory.Allocate(examples * model.Blocks.Max(block => block.Patches));
        ExampleCredit = new float[examples];
    }

    /// <summary>Tangent of a block's input [rows, inputs]; empty unless tangents pass from block to block.</summary>
    internal Memory<float> Source { get; }

    /// <summary>Tangent of a layer's input [rows, D].</summary>
    internal Memory<float> Input { get; }

    /// <summary>Tangent of a layer's output, then of its activation [rows, D].</summary>
    internal Memory<float> Output { get; }

    /// <summary>The credit of each patch and group: the directional derivative of the losses that its noise can change [rows, G].</summary>
    internal Memory<float> GroupCredit { get; }

    /// <summary>The sum of <see cref="GroupCredit"/> over the groups of a patch [rows].</summary>
    internal Memory<float> RowCredit { get; }

    /// <summary>The credit of all noise of an example: the directional derivative of its loss of the final head [examples].</summary>
    internal float[] ExampleCredit { get; }

    internal long Bytes =>
        sizeof(float)
        * (_directions.Sum(block => block.Sum(m => (long)m.Length))
            + Source.Length + Input.Length + Output.Length + GroupCredit.Length + RowCredit.Length + ExampleCredit.Length);

    /// <summary>
    /// A layer's noise [rows, D], set to 0 where its units are inactive. With a single pass, it is scaled to the gradient in place.
    /// </summary>
    internal Span<float> Direction(BlockTile tile, int layer) =>
        _directions.Length == 0 ? tile.Gradient(layer) : _directions[tile.Block.Index % _directions.Length][layer].Span;
}
