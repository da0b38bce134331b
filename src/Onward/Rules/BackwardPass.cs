using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Rules;

/// <summary>
/// Walks back through the blocks of one tile along an error path: the reverse of <c>MixerBlock.Forward</c>, shared by
/// backprop and feedback alignment. One thread's memory.
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

    /// <summary>Forgets the error of the tile before; no loss has been read yet.</summary>
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
    /// The same where a block learns from its own loss and from that of the block after it: the own loss goes back to the
    /// block's input, for the block before; then, with what came from the block after, to the block's layers.
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
    /// Leaves the output gradient of each layer of a block and, if something comes before the block, replaces the gradient
    /// of its output by that of the output of the block before.
    /// </summary>
    /// <param name="tile">The tile in the block.</param>
    /// <param name="toInput">Whether something comes before the block.</param>
    /// <param name="ends">Whether these are the gradients that the layers learn from.</param>
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
    /// Takes what comes back through a block's layers and past them to the gradient of its input, and that to the output of the block
    /// before.
    /// </summary>
    /// <param name="tile">The tile in the block.</param>
    /// <param name="error">The gradient of the block's output before ReLU; receives that of the output of the block before.</param>
    /// <param name="input">What came back through the layers to the block's input; may be changed.</param>
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

    // Gradient of the output of the block before, once a block has been gone through; it takes the place of that of the block's own.
    private Span<float> OfPrevious(BlockTile tile) => Error(tile)[..tile.Previous.Length];

    private Span<float> Output(BlockTile tile) => Error(tile)[..(tile.Rows * tile.Block.Channels)];

    private Span<float> Error(BlockTile tile) => (tile.OutputGradient.IsEmpty ? _output : tile.OutputGradient).Span;
}
