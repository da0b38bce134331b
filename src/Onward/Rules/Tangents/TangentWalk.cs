using Onward.Engine;
using Onward.Losses;
using Onward.Models;

namespace Onward.Rules;

/// <summary>
/// Carries a tangent forward through a block of one tile: through products as a whole, through all other steps a few rows at a time. Takes
/// the directional derivatives of local losses at the block's end. Derived classes say where the tangent comes from.
/// </summary>
/// <param name="model">The network.</param>
/// <param name="memory">The memory of the thread.</param>
/// <param name="scope">The losses.</param>
/// <param name="passes">Directions in each step, which derivatives are divided by.</param>
internal abstract class TangentWalk(Network model, TangentMemory memory, LossScope scope, int passes)
{
    private readonly bool[] _residualMoves = new bool[model.Blocks.Max(block => block.Plan.ResidualLengths.Length)];

    internal TangentMemory Memory => memory;

    /// <summary>
    /// Carries the tangent through a block, to the tangent of its output in <see cref="TangentMemory.Current"/>. With a global loss, that
    /// is the tangent of the next block's input; with local losses, the input of every block has the tangent 0.
    /// </summary>
    /// <param name="tile">The tile in the block.</param>
    protected void Carry(BlockTile tile)
    {
        Section[] sections = tile.Block.Plan.Sections;
        Array.Clear(_residualMoves);
        bool moves = TangentSweep.InputMoves(scope, tile.Block);
        foreach (Section section in sections)
        {
            bool begins = section.Layer is NetworkLayer layer && MovesAt(layer);
            if (!moves && !begins)
            {
                continue;
            }

            if (section.HasProduct)
            {
                moves = PassProduct(tile, section, moves);
            }

            moves = PassSteps(tile, section, moves, isLast: section == sections[^1]);
        }
    }

    /// <summary>True if the tangent may begin at an affine layer.</summary>
    protected abstract bool MovesAt(NetworkLayer layer);

    /// <summary>Computes the tangent of an affine layer's output in <see cref="TangentMemory.Other"/>.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="moves">True if <see cref="TangentMemory.Current"/> is the tangent of the layer's input; false if that is 0.</param>
    /// <returns>False if the tangent of the output is 0.</returns>
    protected virtual bool PassAffine(BlockTile tile, NetworkLayer layer, bool moves)
    {
        if (moves)
        {
            layer.Map.Apply(
                layer.PackedWeight,
                memory.Current.Span,
                memory.Other.Span,
                tile.Examples * layer.Positions,
                tile.Activations.Workspace.Span);
        }

        return moves;
    }

    /// <summary>Adds the tangent of an affine layer's bias to some rows; by default it is 0.</summary>
    protected virtual void AddBias(NetworkLayer layer, Span<float> tangent, int row)
    {
    }

    /// <summary>Adds noise to the tangent of some rows and carries it through the ReLU that masks the noise, if there is one.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="site">The noise site.</param>
    /// <param name="row">The first row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="tangent">The tangent of the rows; memory for it if it is 0.</param>
    /// <param name="moves">True if there is a tangent; set to true if noise begins one.</param>
    /// <returns>The tangent, in <paramref name="tangent"/> or in other memory that stays unchanged.</returns>
    protected abstract Span<float> PassSite(
        BlockTile tile, SiteStep site, int row, int rows, Span<float> tangent, scoped ref bool moves);

    private bool PassProduct(BlockTile tile, Section section, bool moves)
    {
        if (section.Layer is not null)
        {
            return PassAffine(tile, section.Layer, moves);
        }

        section.CarryTangent(tile.Activations, tile.Examples, memory.Current.Span, memory.Other.Span);
        return true;
    }

    private bool PassSteps(BlockTile tile, Section section, bool moves, bool isLast)
    {
        int rows = tile.Examples * section.Shape.Positions, width = section.Shape.Channels;
        Memory<float> product = section.HasProduct ? memory.Other : memory.Current;
        Memory<float> target = section.HasProduct && !isLast ? memory.Current : product;
        Memory<float> workspace = section.HasProduct ? memory.Current : memory.Other;
        bool movesAfter = moves;
        for (int row = 0; row < rows; row += Section.ChunkRows)
        {
            int count = Math.Min(Section.ChunkRows, rows - row), start = row * width, length = count * width;
            Span<float> home = product.Span.Slice(start, length), end = target.Span.Slice(start, length);
            movesAfter = moves;
            if (section.Layer is not null && moves)
            {
                AddBias(section.Layer, home, row);
            }

            Span<float> tangent = PassSteps(tile, section, row, count, home, end, ref movesAfter);
            if (movesAfter && tangent != end)
            {
                tangent.CopyTo(end);
                tangent = end;
            }

            if (isLast && scope != LossScope.Global)
            {
                TangentSweep.DifferentiateLocalLosses(
                    tile,
                    tangent,
                    workspace.Span.Slice(start, length),
                    start..(start + length),
                    row,
                    1f / passes,
                    memory.GroupCredit.Span);
            }
        }

        if (isLast && section.HasProduct)
        {
            memory.Swap();
        }

        return movesAfter;
    }

    // The last step writes to the end at once, all others to the home of the rows.
    private Span<float> PassSteps(
        BlockTile tile, Section section, int row, int rows, Span<float> home, Span<float> end, scoped ref bool moves)
    {
        Span<float> tangent = home;
        Step[] steps = section.Steps;
        for (int i = 0; i < steps.Length; i++)
        {
            switch (steps[i])
            {
                case RowStep { IsMaskOfNoise: false } step when moves:
                    Span<float> to = i == steps.Length - 1 ? end : home;
                    step.ApplyTangent(tile.Activations, row, rows, tangent, to);
                    tangent = to;
                    break;
                case KeepStep keep when moves:
                    _residualMoves[keep.Residual] = true;
                    tangent.CopyTo(memory.Residual(keep.Residual)[(row * keep.Channels)..]);
                    break;
                case AddStep add when _residualMoves[add.Residual]:
                    if (!moves)
                    {
                        home.Clear();
                    }
                    else if (tangent != home)
                    {
                        tangent.CopyTo(home);
                    }

                    tangent = home;
                    moves = true;
                    add.AddKept(
                        memory.Residual(add.Residual).Slice(row * add.KeptChannels, rows * add.KeptChannels), tangent);
                    break;
                case SiteStep site:
                    tangent = PassSite(tile, site, row, rows, tangent, ref moves);
                    break;
                default:
                    break;
            }
        }

        return tangent;
    }
}
