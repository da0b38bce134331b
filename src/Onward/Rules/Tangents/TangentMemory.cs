using Onward.Engine;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Rules;

/// <summary>The memory of one thread for the tangent of one tile. Rows are [example, position].</summary>
internal sealed class TangentMemory
{
    private readonly Memory<float>[][] _directions;
    private readonly Memory<float>[] _residuals;

    /// <summary>Allocates the memory for a thread's tiles.</summary>
    /// <param name="model">The network.</param>
    /// <param name="tiles">The thread's tile in each block.</param>
    /// <param name="ownDirections">True to keep directions in memory of their own, false to keep them in the tiles' gradients.</param>
    internal TangentMemory(Network model, IReadOnlyList<BlockTile> tiles, bool ownDirections)
    {
        int examples = tiles[0].Activations.Examples;
        BlockTile[] distinct = [.. tiles.Distinct()];
        _directions = ownDirections
            ?
            [
                .. distinct.Select(
                    tile => Enumerable.Range(0, model.MostLayers).Select(
                        l => AlignedMemory.Allocate(examples * model.LargestProduct(l))).ToArray()),
            ]
            : [];

        // The input of a block has a tangent only if tangents pass from block to block.
        bool inputsMove = distinct.Length > 1;
        _residuals =
        [
            .. Enumerable.Range(0, model.Blocks.Max(block => block.Plan.ResidualLengths.Length))
                .Select(id => AlignedMemory.Allocate(checked(examples * model.Blocks.Max(block => LengthOf(block.Plan, id))))),
        ];
        Current = AlignedMemory.Allocate(checked(examples * model.LargestTangent));
        Other = AlignedMemory.Allocate(checked(examples * model.LargestTangent));
        int groups = checked(examples * model.LargestGroups);
        GroupCredit = AlignedMemory.Allocate(groups);
        RowCredit = AlignedMemory.Allocate(examples * model.MostPositions);
        SpreadCredit = AlignedMemory.Allocate(
            examples * model.Blocks.Max(
                block => block.Layers.Max(layer => layer.ReachesOtherPositions ? layer.Positions * block.Groups : 0)));
        ExampleCredit = new float[examples];

        int LengthOf(BlockPlan plan, int id) =>
            id < plan.ResidualLengths.Length && (inputsMove || plan.BeginsInside(id)) ? plan.ResidualLengths[id] : 0;
    }

    /// <summary>The tangent of the value that the walk has come to [rows, channels].</summary>
    internal Memory<float> Current { get; private set; }

    /// <summary>Memory for the output of the next product [rows, channels].</summary>
    internal Memory<float> Other { get; private set; }

    /// <summary>The credit of each position and group: the derivative of the losses that its noise can change [rows, G].</summary>
    internal Memory<float> GroupCredit { get; }

    /// <summary>The sum of <see cref="GroupCredit"/> over the groups of a position [rows].</summary>
    internal Memory<float> RowCredit { get; }

    /// <summary>The credit of a layer whose noise reaches several positions [rows, 1 or G].</summary>
    internal Memory<float> SpreadCredit { get; }

    /// <summary>The credit of all noise of an example: the directional derivative of its loss of the final head [examples].</summary>
    internal float[] ExampleCredit { get; }

    internal long Bytes =>
        sizeof(float)
        * (_directions.Sum(block => block.Sum(m => (long)m.Length)) + _residuals.Sum(m => (long)m.Length)
            + Current.Length + Other.Length + GroupCredit.Length + RowCredit.Length + SpreadCredit.Length + ExampleCredit.Length);

    /// <summary>
    /// A layer's noise [rows, D], set to 0 where its units are inactive. With a single pass, it is scaled to the gradient in place.
    /// </summary>
    internal Span<float> Direction(BlockTile tile, int layer) =>
        _directions.Length == 0 ? tile.Gradient(layer) : _directions[tile.Block.Index % _directions.Length][layer].Span;

    /// <summary>The tangent of a residual's input [rows, channels].</summary>
    internal Span<float> Residual(int id) => _residuals[id].Span;

    internal void Swap() => (Current, Other) = (Other, Current);
}
