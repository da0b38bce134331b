using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;

namespace Onward.Rules;

/// <summary>
/// Carries the tangent along a direction V of all weights and biases: z' = x' W + x V + v at each affine layer.
/// </summary>
/// <param name="model">The network.</param>
/// <param name="memory">The memory of the thread.</param>
/// <param name="directions">The directions. [pass]</param>
/// <param name="packed">The packed weights of the directions. [pass][layer]</param>
/// <param name="scope">The losses.</param>
/// <param name="passes">Directions in each step.</param>
internal sealed class WeightWalk(
    Network model, TangentMemory memory, ParameterVector[] directions, Memory<float>[][] packed, LossScope scope, int passes)
    : TangentWalk(model, memory, scope, passes)
{
    private int _pass;

    /// <summary>Carries the tangent of one direction through a block.</summary>
    /// <param name="tile">The tile in the block.</param>
    /// <param name="pass">The direction.</param>
    internal void Carry(BlockTile tile, int pass)
    {
        _pass = pass;
        Carry(tile);
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
}
