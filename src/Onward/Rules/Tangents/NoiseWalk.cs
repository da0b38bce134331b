using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;

namespace Onward.Rules;

/// <summary>Carries the tangent along noise on some layers of a block.</summary>
/// <param name="model">The network.</param>
/// <param name="memory">The memory of the thread.</param>
/// <param name="noise">The noise.</param>
/// <param name="scope">The losses.</param>
/// <param name="passes">Directions in each step.</param>
internal sealed class NoiseWalk(Network model, TangentMemory memory, ActivityNoise noise, LossScope scope, int passes)
    : TangentWalk(model, memory, scope, passes)
{
    private int _pass;
    private int _first;
    private int _end;

    /// <summary>Carries the tangent of one direction through a block.</summary>
    /// <param name="tile">The tile in the block.</param>
    /// <param name="pass">The direction.</param>
    /// <param name="layers">The layers that are perturbed.</param>
    internal void Carry(BlockTile tile, int pass, Range layers)
    {
        (_pass, _first, _end) = (pass, layers.Start.Value, layers.End.Value);
        Carry(tile);
    }

    /// <inheritdoc/>
    protected override bool MovesAt(NetworkLayer layer) => layer.Place >= _first && layer.Place < _end;

    /// <inheritdoc/>
    protected override Span<float> PassSite(
        BlockTile tile, SiteStep site, int row, int rows, Span<float> tangent, scoped ref bool moves)
    {
        ReadOnlySpan<float> active = site.IsMasked ? site.Active(tile.Activations, row, rows) : [];
        if (!MovesAt(site.Layer))
        {
            if (moves && site.IsMasked)
            {
                Activation.Mask(active, tangent);
            }

            return tangent;
        }

        Span<float> drawn = Memory.Direction(tile, site.Layer.Place).Slice(row * site.Channels, rows * site.Channels);
        noise.Draw(tile, site.Layer, _pass, row, drawn);
        if (!moves)
        {
            moves = true;
            if (site.IsMasked)
            {
                Activation.Mask(active, drawn);
            }

            return drawn;
        }

        if (site.IsMasked)
        {
            Activation.PerturbTangent(active, drawn, tangent);
        }
        else
        {
            TensorPrimitives.Add(tangent, drawn, tangent);
        }

        return tangent;
    }
}
