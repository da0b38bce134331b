using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;

namespace Onward.Rules;

/// <summary>
/// The steps that all forward gradients share: tangents through normalisations, and the directional derivatives of the losses.
/// </summary>
internal static class TangentSweep
{
    /// <summary>
    /// The tangent of the replicated local loss in closed form (docs/theory.md), for a chunk of rows:
    /// g[n,p,g] = (1/P) sum over c of f'[n,p,g,c] q[n,g,c]. If each position has a head, g[n,p,g] = sum over c of f'[n,p,g,c] q[n,p,g,c].
    /// </summary>
    /// <param name="tile">The tile in its block.</param>
    /// <param name="tangent">Tangent of the block's output in the chunk; not changed.</param>
    /// <param name="features">Workspace for the tangent of the features.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="row">The first row of the chunk.</param>
    /// <param name="scale">A factor for all derivatives.</param>
    /// <param name="groupCredit">Receives the derivatives of the tile [rows, G].</param>
    internal static void DifferentiateLocalLosses(
        BlockTile tile, ReadOnlySpan<float> tangent, Span<float> features, Range chunk, int row, float scale, Span<float> groupCredit)
    {
        NetworkBlock block = tile.Block;
        int size = block.FeatureNorm;
        if (size > 0)
        {
            LayerNormKernel.JacobianProduct(
                tile.Activations.Features[chunk],
                tile.Activations.FeatureReciprocal[NetworkBlock.Runs(chunk, size)],
                tangent,
                features,
                size);
            tangent = features;
        }

        for (; !tangent.IsEmpty; tangent = tangent[block.Channels..], row++)
        {
            ReadOnlySpan<float> q = tile.FeatureGradient.Slice(row / block.PooledPositions * block.Channels, block.Channels);
            Activation.InnerRuns(
                tangent[..block.Channels],
                q,
                scale / block.PooledPositions,
                groupCredit.Slice(row * block.Groups, block.Groups),
                block.ChannelsPerGroup);
        }
    }

    /// <summary>
    /// Computes q in each tile's feature gradient. With local losses, q is the gradient of the block's local loss with respect to the
    /// pooled features of its head. With a global loss, q is computed in the last block: the gradient of the final head's loss with
    /// respect to the mean of the block's output over patches.
    /// </summary>
    internal static void ComputeFeatureGradients(Network model, LossScope scope, ReadOnlySpan<BlockTile> tiles)
    {
        if (scope != LossScope.Global)
        {
            foreach (BlockTile local in tiles)
            {
                Span<float> features = local.FeatureGradient[..(local.HeadRows * local.Block.Channels)];
                local.Block.Head.FeatureGradient(local.Errors.Span, features, local.HeadRows);
            }

            return;
        }

        BlockTile tile = tiles[^1];
        Span<float> q = tile.FeatureGradient[..(tile.HeadRows * tile.Block.Channels)];
        model.FinalHead.FeatureGradient(tile.FinalErrors.Span, q, tile.HeadRows);
        tile.PassBackThroughFinalNormalization(model, q);
    }

    /// <summary>
    /// Computes the exact gradient of the output of a block's last layer from q of the loss after the block. The gradient passes back
    /// through the normalisation of the features and the steps behind the layer. No weights are involved.
    /// </summary>
    internal static void LeaveExactGradient(LossScope scope, BlockTile tile, BackwardPass back)
    {
        if (scope == LossScope.Global)
        {
            tile.Spread(tile.FeatureGradient[..(tile.HeadRows * tile.Block.Channels)], back.Output(tile));
        }
        else
        {
            back.ReadFeatureGradient(tile);
        }

        back.GoToLastLayer(tile);
        tile.PackGradient(tile.Block.Layers.Count - 1);
    }

    /// <summary>
    /// True if the input of a block has a tangent: with a global loss, in every block except the first; never with local losses.
    /// </summary>
    internal static bool InputMoves(LossScope scope, NetworkBlock block) => scope == LossScope.Global && block.Index > 0;

    /// <summary>
    /// Computes the tangent of each example's loss of the final head from the tangent of the last block's output.
    /// </summary>
    internal static void DifferentiateFinalLoss(BlockTile tile, float scale, TangentMemory memory)
    {
        int patches = tile.Block.Patches, channels = tile.Block.Channels, pooled = tile.Block.PooledPositions;
        for (int n = 0; n < tile.Examples; n++)
        {
            float derivative = 0;
            for (int p = 0; p < patches; p++)
            {
                ReadOnlySpan<float> q = tile.FeatureGradient.Slice(((n * patches) + p) / pooled * channels, channels);
                derivative += Reduction.Dot(memory.Current.Span.Slice(((n * patches) + p) * channels, channels), q);
            }

            memory.ExampleCredit[n] = derivative * (scale / pooled);
        }
    }

    /// <summary>Gives every patch and group of a block the credit of its example: the derivative of the example's final loss.</summary>
    internal static void CreditFinalLoss(BlockTile tile, TangentMemory memory)
    {
        int patches = tile.Block.Patches, perExample = patches * tile.Block.Groups;
        for (int n = 0; n < tile.Examples; n++)
        {
            memory.GroupCredit.Span.Slice(n * perExample, perExample).Fill(memory.ExampleCredit[n]);
            memory.RowCredit.Span.Slice(n * patches, patches).Fill(memory.ExampleCredit[n]);
        }
    }

    /// <summary>
    /// Adds up the derivatives of losses that the scope does not separate: over the groups of a row, over the patches of an example.
    /// </summary>
    /// <param name="scope">The losses.</param>
    /// <param name="tile">The tile in its block.</param>
    /// <param name="byGroup">Derivatives of the losses of each patch and group [rows, G]; receives the credit of each.</param>
    /// <param name="byRow">Derivatives of whole rows to add [rows]; receives the credit of noise that reaches all groups.</param>
    internal static void MergeCredit(LossScope scope, BlockTile tile, Span<float> byGroup, Span<float> byRow)
    {
        int groups = tile.Block.Groups, patches = tile.Block.Patches;
        if (!scope.Has(LossScope.Patch))
        {
            Share(byGroup, patches, groups);
            Share(byRow, patches, 1);
        }

        for (int row = 0; row < tile.Rows; row++)
        {
            Span<float> credit = byGroup.Slice(row * groups, groups);
            byRow[row] += Reduction.Sum(credit);
            if (!scope.Has(LossScope.Group))
            {
                credit.Fill(byRow[row]);
            }
        }
    }

    /// <summary>
    /// The credit of each run of a layer's noise: the sum of the derivatives that it can change (<see cref="NetworkLayer.ReachOf"/>,
    /// <see cref="NetworkLayer.ReachesAllGroups"/>), after <see cref="MergeCredit"/>.
    /// </summary>
    /// <param name="scope">The losses.</param>
    /// <param name="tile">The tile in its block.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="memory">The derivatives.</param>
    /// <param name="size">Receives the length of a run of noise that shares one credit.</param>
    internal static ReadOnlySpan<float> CreditOf(
        LossScope scope, BlockTile tile, NetworkLayer layer, TangentMemory memory, out int size)
    {
        NetworkBlock block = tile.Block;
        int runs = layer.ReachesAllGroups ? 1 : block.Groups;
        ReadOnlySpan<float> credit = (layer.ReachesAllGroups ? memory.RowCredit : memory.GroupCredit).Span[..(tile.Rows * runs)];
        size = layer.Map.Outputs / runs;
        if (!layer.ReachesOtherPositions)
        {
            return credit;
        }

        Span<float> spread = memory.SpreadCredit.Span[..(tile.Examples * layer.Positions * runs)];
        int own = layer.Positions * runs, ends = block.Patches * runs;
        for (int n = 0; n < tile.Examples; n++)
        {
            Spread(scope, credit.Slice(n * ends, ends), spread.Slice(n * own, own), layer, block.Output, runs);
        }

        return spread;
    }

    // Sums the credit of one example over the positions that noise can reach. If positions have no loss of their own, each of them has
    // the sum already.
    private static void Spread(
        LossScope scope, ReadOnlySpan<float> credit, Span<float> spread, NetworkLayer layer, ExampleShape shape, int runs)
    {
        bool all = layer.ReachesAllPositions;
        if (layer.ReachesLaterPositions && scope.Has(LossScope.Patch))
        {
            AddLater(credit, spread, runs);
            return;
        }

        for (int position = 0; position < layer.Positions; position++)
        {
            Span<float> sum = spread.Slice(position * runs, runs);
            if (!scope.Has(LossScope.Patch))
            {
                credit[..runs].CopyTo(sum);
                continue;
            }

            if (all && position > 0)
            {
                spread[..runs].CopyTo(sum);
                continue;
            }

            sum.Clear();
            (Range rows, Range columns) = layer.ReachOf(position);
            for (int y = rows.Start.Value; y < rows.End.Value; y++)
            {
                for (int x = columns.Start.Value; x < columns.End.Value; x++)
                {
                    TensorPrimitives.Add(sum, credit.Slice(((y * shape.Width) + x) * runs, runs), sum);
                }
            }
        }
    }

    // The sum over a position and all later ones is the sum of the next position, plus its own.
    private static void AddLater(ReadOnlySpan<float> credit, Span<float> spread, int runs)
    {
        credit[^runs..].CopyTo(spread[^runs..]);
        for (int start = credit.Length - (2 * runs); start >= 0; start -= runs)
        {
            TensorPrimitives.Add(credit.Slice(start, runs), spread.Slice(start + runs, runs), spread.Slice(start, runs));
        }
    }

    /// <summary>
    /// Carries a tangent at a layer's noise site, 0 where units are inactive, to the input of the next affine layer. Residuals are left
    /// out.
    /// </summary>
    /// <param name="tile">The tile in the layer's block.</param>
    /// <param name="l">The layer's place in the block.</param>
    /// <param name="tangent">The tangent; not changed.</param>
    /// <param name="consumer">
    /// The tile in the block of the next affine layer: the same tile, or the tile in the next block, with at most one example layer in
    /// front of its affine layers.
    /// </param>
    /// <param name="result">Receives the tangent of the next layer's input.</param>
    internal static void CarryToNextLayer(
        BlockTile tile, int l, ReadOnlySpan<float> tangent, BlockTile consumer, Span<float> result)
    {
        tangent = Carry(tile, tile.Block.Plan.SectionOf(l), tangent, result, behindSite: true);
        for (int k = 0; consumer != tile && k < consumer.Block.Plan.FirstAffine; k++)
        {
            Section section = consumer.Block.Plan.Sections[k];
            if (section.Example is not null)
            {
                Span<float> output = result[..(consumer.Examples * section.Shape.Length)];
                section.CarryTangent(consumer.Activations, consumer.Examples, tangent, output);
                tangent = output;
            }

            tangent = Carry(consumer, section, tangent, result, behindSite: false);
        }

        if (tangent != result)
        {
            tangent.CopyTo(result);
        }
    }

    private static ReadOnlySpan<float> Carry(
        BlockTile tile, Section section, ReadOnlySpan<float> tangent, Span<float> result, bool behindSite)
    {
        int rows = tile.Examples * section.Shape.Positions;
        foreach (Step step in section.Steps)
        {
            if (step is SiteStep)
            {
                behindSite = false;
            }
            else if (!behindSite && step is RowStep { IsMaskOfNoise: false } row)
            {
                row.ApplyTangent(tile.Activations, 0, rows, tangent, result);
                tangent = result;
            }
        }

        return tangent;
    }

    /// <summary>Replaces each of some consecutive rows by the sum of these rows.</summary>
    /// <param name="values">Values [parts, rows, width].</param>
    /// <param name="rows">Rows in a part.</param>
    /// <param name="width">Numbers in a row.</param>
    internal static void Share(Span<float> values, int rows, int width)
    {
        for (; rows > 1 && !values.IsEmpty; values = values[(rows * width)..])
        {
            Span<float> sum = values[..width];
            for (int i = 1; i < rows; i++)
            {
                TensorPrimitives.Add(sum, values.Slice(i * width, width), sum);
            }

            for (int i = 1; i < rows; i++)
            {
                sum.CopyTo(values[(i * width)..]);
            }
        }
    }

    /// <summary>Checks the losses of a forward gradient.</summary>
    internal static Locality RequireScope(LossScope scope)
    {
        if (scope != LossScope.Global && !scope.Has(LossScope.Block))
        {
            throw new ArgumentException(
                "A loss of its own for each patch or group is taken at the end of a block: "
                + $"the scope must include Block, or be Global; got {scope}.",
                nameof(scope));
        }

        return scope == LossScope.Global ? Locality.Network : Locality.Block;
    }
}
