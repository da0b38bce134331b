using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;

namespace Onward.Rules;

/// <summary>
/// What the forward gradients share: tangents through normalisations, and the directional derivatives of the losses.
/// </summary>
internal static class TangentSweep
{
    /// <summary>result = the tangent of a layer's input, from that of what it normalises, for a chunk of rows.</summary>
    internal static void ThroughInputNorm(BlockTile tile, int l, ReadOnlySpan<float> tangent, Span<float> result, Range chunk)
    {
        int size = tile.Block.Layers[l].InputNorm;
        if (size > 0)
        {
            LayerNorm.JacobianProduct(
                tile.Inputs[l].Span[chunk], tile.Activations.InputReciprocal(l)[MixerBlock.Runs(chunk, size)], tangent, result, size);
        }
        else
        {
            tangent.CopyTo(result);
        }
    }

    /// <summary>Carries the tangent of a layer's output through the normalisation after it, in place, for a chunk of rows.</summary>
    internal static void ThroughOutputNorm(BlockTile tile, int l, Span<float> tangent, Range chunk)
    {
        int size = tile.Block.Layers[l].OutputNorm;
        if (size > 0)
        {
            LayerNorm.JacobianProduct(
                tile.Activations.Output(l)[chunk],
                tile.Activations.OutputReciprocal(l)[MixerBlock.Runs(chunk, size)],
                tangent,
                tangent,
                size);
        }
    }

    /// <summary>
    /// The tangent of the replicated local loss in closed form (spec 3.4), for a chunk of rows:
    /// g[n,p,g] = (1/P) sum over c of f'[n,p,g,c] q[n,g,c].
    /// </summary>
    /// <param name="tile">The tile in its block.</param>
    /// <param name="tangent">Tangent of the block's output in the chunk; kept.</param>
    /// <param name="features">Room for the tangent of its features.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="row">Its first row.</param>
    /// <param name="scale">A factor for all derivatives.</param>
    /// <param name="groupCredit">Receives the derivatives of the tile [rows, G].</param>
    internal static void DifferentiateLocalLosses(
        BlockTile tile, ReadOnlySpan<float> tangent, Span<float> features, Range chunk, int row, float scale, Span<float> groupCredit)
    {
        MixerBlock block = tile.Block;
        int size = block.FeatureNorm;
        if (size > 0)
        {
            LayerNorm.JacobianProduct(
                tile.Activations.Features[chunk],
                tile.Activations.FeatureReciprocal[MixerBlock.Runs(chunk, size)],
                tangent,
                features,
                size);
            tangent = features;
        }

        for (; !tangent.IsEmpty; tangent = tangent[block.Channels..], row++)
        {
            ReadOnlySpan<float> q = tile.FeatureGradient.Slice(row / block.Patches * block.Channels, block.Channels);
            Activation.InnerRuns(
                tangent[..block.Channels],
                q,
                scale / block.Patches,
                groupCredit.Slice(row * block.Groups, block.Groups),
                block.ChannelsPerGroup);
        }
    }

    /// <summary>
    /// Leaves q in each tile's feature gradient: the gradient of the block's local loss with respect to its head's pooled
    /// features or, for a rule that reads the final head alone, in the last block, that of its loss with respect to the mean
    /// over patches of the block's output.
    /// </summary>
    internal static void ReadLosses(LocalMixer model, LossScope scope, ReadOnlySpan<BlockTile> tiles)
    {
        if (scope != LossScope.Global)
        {
            foreach (BlockTile local in tiles)
            {
                Span<float> features = local.FeatureGradient[..(local.Examples * local.Block.Channels)];
                local.Block.Head.FeatureGradient(local.Errors.Span, features, local.Examples);
            }

            return;
        }

        BlockTile tile = tiles[^1];
        Span<float> q = tile.FeatureGradient[..(tile.Examples * tile.Block.Channels)];
        model.FinalHead.FeatureGradient(tile.FinalErrors.Span, q, tile.Examples);
        tile.PassBackThroughFinalNormalization(model, q);
    }

    /// <summary>
    /// Leaves the exact gradient of the output of a block's last layer, from q of the loss that follows the block: through the
    /// normalisation of the
    /// features, ReLU and the normalisation after the layer. No weights are involved.
    /// </summary>
    internal static void LeaveExactGradient(LossScope scope, BlockTile tile)
    {
        int last = tile.Block.Layers.Count - 1;
        Span<float> gradient = tile.Gradient(last);
        if (scope == LossScope.Global)
        {
            tile.Spread(tile.FeatureGradient[..(tile.Examples * tile.Block.Channels)], gradient);
        }

        for (int row = 0; row < tile.Rows; row += MixerBlock.ChunkRows)
        {
            Range chunk = MixerBlock.Chunk(row, tile.Rows, tile.Block.Channels);
            if (scope != LossScope.Global)
            {
                tile.PassBackThroughFeatures(row, gradient[chunk]);
            }

            tile.PassBackThroughActivation(last, chunk, gradient[chunk]);
        }

        tile.PackGradient(last);
    }

    /// <summary>
    /// Whether a block's input carries a tangent: a global loss moves that of every block but the first, local losses that of none.
    /// </summary>
    internal static bool InputMoves(LossScope scope, MixerBlock block) => scope == LossScope.Global && block.Index > 0;

    /// <summary>Takes the tangent of the last block's output for that of this block's input, through its first normalisation.</summary>
    internal static void EnterBlock(BlockTile tile, TangentMemory memory)
    {
        int count = tile.Rows * tile.Block.Inputs;
        ReadOnlySpan<float> tangent = memory.Output.Span[..tile.Previous.Length];
        if (tile.Block.InputPooling is null)
        {
            tangent.CopyTo(memory.Source.Span);
        }
        else
        {
            tile.Block.InputPooling.ApplyTangent(tile.Previous.Span, tangent, memory.Source.Span);
        }

        ThroughInputNorm(tile, 0, memory.Source.Span[..count], memory.Input.Span[..count], ..count);
    }

    /// <summary>
    /// The tangent of each example's loss of the final head, from the tangent of the last block's output in the memory's output.
    /// </summary>
    internal static void DifferentiateFinalLoss(BlockTile tile, float scale, TangentMemory memory)
    {
        int patches = tile.Block.Patches, channels = tile.Block.Channels;
        for (int n = 0; n < tile.Examples; n++)
        {
            float derivative = 0;
            ReadOnlySpan<float> q = tile.FeatureGradient.Slice(n * channels, channels);
            for (int p = 0; p < patches; p++)
            {
                derivative += TensorPrimitives.Dot(memory.Output.Span.Slice(((n * patches) + p) * channels, channels), q);
            }

            memory.ExampleCredit[n] = derivative * (scale / patches);
        }
    }

    /// <summary>Credits every patch and group of a block with the derivative of its example's final loss.</summary>
    internal static void CreditFinalLoss(BlockTile tile, TangentMemory memory)
    {
        int patches = tile.Block.Patches, perExample = patches * tile.Block.Groups;
        for (int n = 0; n < tile.Examples; n++)
        {
            memory.GroupCredit.Span.Slice(n * perExample, perExample).Fill(memory.ExampleCredit[n]);
            memory.RowCredit.Span.Slice(n * patches, patches).Fill(memory.ExampleCredit[n]);
        }
    }

    /// <summary>Losses that are not told apart are added up: over the groups of a row, over the patches of an example.</summary>
    /// <param name="scope">The losses that are told apart.</param>
    /// <param name="tile">The tile in its block.</param>
    /// <param name="byGroup">Derivatives of the losses of each patch and group [rows, G]; receives what each is credited with.</param>
    /// <param name="byRow">What rows have beside their groups [rows]; receives what noise that reaches all groups is credited with.</param>
    internal static void ShareCredit(LossScope scope, BlockTile tile, Span<float> byGroup, Span<float> byRow)
    {
        int groups = tile.Block.Groups, patches = tile.Block.Patches;
        if (!scope.HasFlag(LossScope.Patch))
        {
            Share(byGroup, patches, groups);
            Share(byRow, patches, 1);
        }

        for (int row = 0; row < tile.Rows; row++)
        {
            Span<float> credit = byGroup.Slice(row * groups, groups);
            byRow[row] += TensorPrimitives.Sum<float>(credit);
            if (!scope.HasFlag(LossScope.Group))
            {
                credit.Fill(byRow[row]);
            }
        }
    }

    /// <summary>Gives each of some rows that follow one another the sum of all of them.</summary>
    /// <param name="values">Values [parts, rows, width].</param>
    /// <param name="rows">Rows that share.</param>
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

    /// <summary>Checks which losses a forward gradient is asked to read.</summary>
    internal static Locality RequireScope(LossScope scope)
    {
        if (scope != LossScope.Global && !scope.HasFlag(LossScope.Block))
        {
            throw new ArgumentException(
                $"A loss of its own for each patch or group is taken at the end of a block: the scope must include Block, or be Global; got {scope}.",
                nameof(scope));
        }

        return scope == LossScope.Global ? Locality.Network : Locality.Block;
    }
}
