using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Rules;

/// <summary>
/// Carries errors back through the blocks of one tile: the reverse of <c>MixerBlock.Forward</c>, for backpropagation and
/// feedback alignment. Each thread has a pass with memory of its own.
/// </summary>
internal sealed class BackwardPass
{
    private readonly LocalMixer _model;
    private readonly ErrorPath _path;
    private readonly Memory<float> _output;
    private readonly Memory<float> _residual;
    private Memory<float> _fromNext;
    private Memory<float> _forPrevious;

    internal BackwardPass(LocalMixer model, ErrorPath path, int examples, bool overlap)
    {
        _model = model;
        _path = path;
        int length = checked(examples * model.LargestOutput);
        _output = AlignedMemory.Allocate(length);
        _residual = AlignedMemory.Allocate(length);
        _fromNext = AlignedMemory.Allocate(overlap ? length : 0);
        _forPrevious = AlignedMemory.Allocate(overlap ? length : 0);
    }

    internal long Bytes => sizeof(float) * ((long)_output.Length + _residual.Length + _fromNext.Length + _forPrevious.Length);

    /// <summary>Sets the error of a tile to 0, before any loss is added.</summary>
    internal void Begin(BlockTile tile) => Output(tile).Clear();

    /// <summary>Adds the gradient of a block's local loss with respect to the block's output.</summary>
    internal void ReadLocalLoss(BlockTile tile)
    {
        Span<float> q = tile.FeatureGradient[..(tile.Examples * tile.Block.Channels)];
        _path.BackThroughHead(tile.Block.Index, tile.Errors.Span, q, tile.Examples);
        Span<float> gradient = _residual.Span[..(tile.Rows * tile.Block.Channels)];
        tile.PassBackThroughFeatures(0, gradient);
        TensorPrimitives.Add(Output(tile), gradient, Output(tile));
    }

    /// <summary>
    /// Differentiates a block that learns from its own loss and from the loss of the next block. First the own loss passes back to
    /// the block's input, for the block before. Then the own loss and the error from the next block pass back to the block's layers.
    /// </summary>
    internal void GoThroughOverlapping(BlockTile tile, bool first, bool last)
    {
        if (!first)
        {
            Begin(tile);
            ReadLocalLoss(tile);
            GoThrough(tile, toInput: true, ends: last);
            OfPrevious(tile).CopyTo(_forPrevious.Span);
        }

        if (first || !last)
        {
            Begin(tile);
            ReadLocalLoss(tile);
            if (!last)
            {
                TensorPrimitives.Add(Output(tile), _fromNext.Span[..(tile.Rows * tile.Block.Channels)], Output(tile));
            }

            GoThrough(tile, toInput: false);
        }

        (_fromNext, _forPrevious) = (_forPrevious, _fromNext);
    }

    /// <summary>Begins with the gradient of the final head's loss with respect to the last block's output.</summary>
    internal void ReadFinalLoss(BlockTile tile)
    {
        Span<float> q = tile.FeatureGradient[..(tile.Examples * tile.Block.Channels)];
        _path.BackThroughFinalHead(tile.FinalErrors.Span, q, tile.Examples);
        tile.PassBackThroughFinalNormalization(_model, q);
        tile.Spread(q, Output(tile));
    }

    /// <summary>
    /// Computes the output gradient of each layer of a block. If an earlier block receives the error, also replaces the gradient of
    /// this block's output by the gradient of the earlier block's output.
    /// </summary>
    /// <param name="tile">The tile in the block.</param>
    /// <param name="toInput">True if an earlier block receives the error.</param>
    /// <param name="ends">True if the layers learn from these gradients, so that they can be packed.</param>
    internal void GoThrough(BlockTile tile, bool toInput, bool ends = true)
    {
        MixerBlock block = tile.Block;
        int last = block.Layers.Count - 1;
        Span<float> output = Output(tile);
        Activation.Mask(tile.Result.Span, output);
        tile.PassBackThroughNormalization(last, output);
        for (int l = last; l >= (toInput ? 0 : 1); l--)
        {
            MixerLayer layer = block.Layers[l];
            Span<float> previous = (l > 0 ? tile.Gradient(l - 1) : _residual.Span)[..(tile.Rows * layer.Map.Inputs)];
            layer.Map.ApplyTranspose(_path.Layer(layer), tile.Gradient(l), previous, tile.Rows, tile.Activations.Workspace.Span);
            if (ends)
            {
                tile.PackGradient(l);
            }

            for (int row = 0; row < tile.Rows; row += MixerBlock.ChunkRows)
            {
                Range chunk = MixerBlock.Chunk(row, tile.Rows, layer.Map.Inputs);
                if (layer.InputNorm > 0)
                {
                    LayerNorm.JacobianProduct(
                        tile.Inputs[l].Span[chunk],
                        tile.Activations.InputReciprocal(l)[MixerBlock.Runs(chunk, layer.InputNorm)],
                        previous[chunk],
                        previous[chunk],
                        layer.InputNorm);
                }

                if (l > 0)
                {
                    tile.PassBackThroughActivation(l - 1, chunk, previous[chunk]);
                }
            }
        }

        if (toInput)
        {
            LeaveForPrevious(tile, Error(tile), _residual.Span[..(tile.Rows * block.Inputs)]);
        }
    }

    /// <summary>
    /// Adds the gradients that come back to a block's input through its layers and through its residual, and carries the sum back to
    /// the output of the block before.
    /// </summary>
    /// <param name="tile">The tile in the block.</param>
    /// <param name="error">The gradient of the block's output before ReLU; receives the gradient of the output of the block before.</param>
    /// <param name="input">The gradient of the block's input that came back through the layers; may be changed.</param>
    internal static void LeaveForPrevious(BlockTile tile, Span<float> error, Span<float> input)
    {
        Span<float> output = error[..(tile.Rows * tile.Block.Channels)], previous = error[..tile.Previous.Length];
        if (tile.Block.InputPooling is null && input.Length == output.Length)
        {
            TensorPrimitives.Add(output, input, output);
            return;
        }

        tile.Block.AddResidualGradient(output, input);
        if (tile.Block.InputPooling is null)
        {
            input.CopyTo(previous);
        }
        else
        {
            tile.Block.InputPooling.ApplyTranspose(tile.Previous.Span, input, previous);
        }
    }

    // After a pass through a block: the gradient of the output of the block before, in the place of the gradient of its own output.
    private Span<float> OfPrevious(BlockTile tile) => Error(tile)[..tile.Previous.Length];

    private Span<float> Output(BlockTile tile) => Error(tile)[..(tile.Rows * tile.Block.Channels)];

    private Span<float> Error(BlockTile tile) => (tile.OutputGradient.IsEmpty ? _output : tile.OutputGradient).Span;
}
