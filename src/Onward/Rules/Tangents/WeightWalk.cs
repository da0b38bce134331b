using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;

namespace Onward.Rules;

/// <summary>
/// Carries the tangent along a direction V of all weights and biases: z' = x' W + x V + v at each affine layer. Takes the directional
/// derivatives of local losses at the end of a block.
/// </summary>
/// <param name="model">The network.</param>
/// <param name="memory">The memory of the thread.</param>
/// <param name="directions">The directions. [pass]</param>
/// <param name="packed">The packed weights of the directions. [pass][layer]</param>
/// <param name="scope">The losses.</param>
internal sealed class WeightWalk(
    Network model, TangentMemory memory, ParameterVector[] directions, Memory<float>[][] packed, LossScope scope)
    : TangentWalk(model, memory)
{
    private int _pass;
    private float _scale;

    /// <summary>Carries the tangent of one direction through a block.</summary>
    /// <param name="tile">The tile in the block.</param>
    /// <param name="pass">The direction.</param>
    /// <param name="scale">A factor for all derivatives.</param>
    internal void Carry(BlockTile tile, int pass, float scale)
    {
        (_pass, _scale) = (pass, scale);
        Carry(tile, TangentSweep.InputMoves(scope, tile.Block));
    }

    /// <inheritdoc/>
    protected override bool MovesAt(NetworkLayer layer) => true;

    /// <inheritdoc/>
    protected override bool PassAffine(BlockTile tile, NetworkLayer layer, bool moves)
    {
        base.PassAffine(tile, layer, moves);
        layer.Map.Apply(
            packed[_pass][layer.Index].Span,
            tile.Input(layer.Place),
            Memory.Other.Span,
            tile.Examples * layer.Positions,
            tile.Activations.Workspace.Span,
            accumulate: moves);
        return true;
    }

    /// <inheritdoc/>
    protected override void AddBias(NetworkLayer layer, Span<float> tangent, int row) =>
        layer.Map.AddBias(directions[_pass][layer.Bias], tangent, row % layer.Positions);

    /// <inheritdoc/>
    protected override Span<float> PassSite(
        BlockTile tile, SiteStep site, int row, int rows, Span<float> tangent, scoped ref bool moves)
    {
        if (site.IsMasked)
        {
            Activation.Mask(site.Active(tile.Activations, row, rows), tangent);
        }

        return tangent;
    }

    /// <inheritdoc/>
    protected override void End(BlockTile tile, ReadOnlySpan<float> tangent, Span<float> workspace, int row)
    {
        if (scope != LossScope.Global)
        {
            Range chunk = NetworkBlock.Chunk(row, tile.Rows, tile.Block.Channels);
            TangentSweep.DifferentiateLocalLosses(tile, tangent, workspace, chunk, row, _scale, Memory.GroupCredit.Span);
        }
    }
}
