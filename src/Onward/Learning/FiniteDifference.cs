using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Learning;

/// <summary>
/// The tangent of a block as a difference of two evaluations, (y(step u) - y(0)) / step, instead of an exact derivative.
/// </summary>
/// <remarks>
/// Only the block's output is a difference. Which patch and group a loss belongs to, and where gradients stop, is settled
/// after it in closed form (spec 3.4), as for exact tangents. The paper's code takes differences of the replicated losses
/// themselves; those know nothing of stopped gradients, so every replica sees all noise (spec 4.7, P5).
/// </remarks>
internal static class FiniteDifference
{
    /// <summary>
    /// The step, that of the paper's code. What curvature adds shrinks with it; rounding, 6e-8 of a value of about 1, grows
    /// with its inverse, to 1e-4.
    /// </summary>
    internal const float Step = 1e-3f;

    /// <summary>Draws the noise of one layer for a chunk of rows.</summary>
    internal delegate void DrawNoise(BlockTile tile, int layer, int pass, int row, Span<float> noise);

    /// <summary>Replaces the tangent of the block's input, if it has one, by that of its output, in the memory's output.</summary>
    internal static void Carry(LocalMixer model, BlockTile tile, TangentMemory memory, bool inputMoves, int pass, DrawNoise draw)
    {
        MixerBlock block = tile.Block;
        int channels = model.Options.Channels, last = block.Layers.Count - 1, count = tile.Rows * channels;
        Span<float> input = memory.Input.Span[..count], output = memory.Output.Span[..count];
        ReadOnlySpan<float> source = tile.Source.Span;
        if (inputMoves)
        {
            Span<float> moved = memory.Source.Span[..count];
            TensorPrimitives.MultiplyAdd(output, Step, source, moved);
            moved.CopyTo(input);
            Normalize(block.Layers[0].InputNorm, input, memory);
            source = moved;
        }

        for (int l = 0; l <= last; l++)
        {
            MixerLayer layer = block.Layers[l];
            if (l > 0 || inputMoves)
            {
                layer.Map.Apply(layer.PackedWeight, input, output, tile.Rows, tile.Activations.Workspace.Span);
            }
            else
            {
                tile.Activations.Output(0)[..count].CopyTo(output);
            }

            ReadOnlySpan<float> active = l == last ? tile.Result.Span : tile.Activations.Output(l);
            for (int row = 0; row < tile.Rows; row += MixerBlock.ChunkRows)
            {
                Range chunk = MixerBlock.Chunk(row, tile.Rows, channels);
                Span<float> moved = output[chunk], noise = memory.Direction(tile, l)[chunk];
                if (l > 0 || inputMoves)
                {
                    layer.Map.AddBias(model.Values[layer.Bias], moved, row % model.Options.Patches);
                    Normalize(layer.OutputNorm, moved, memory);
                }

                draw(tile, layer.Index, pass, row, noise);
                TensorPrimitives.MultiplyAdd(noise, Step, moved, moved);
                Activation.Mask(active[chunk], noise);
                if (l < last)
                {
                    Activation.Relu(moved, input[chunk]);
                    Normalize(block.Layers[l + 1].InputNorm, input[chunk], memory);
                    continue;
                }

                if (block.HasResidual)
                {
                    Activation.AddRelu(moved, source[chunk], moved);
                }
                else
                {
                    Activation.Relu(moved, moved);
                }

                TensorPrimitives.Subtract(moved, active[chunk], moved);
                TensorPrimitives.Multiply(moved, 1 / Step, moved);
            }
        }
    }

    // The credit of the tile is not known yet, so its memory can hold the reciprocal deviations.
    private static void Normalize(int size, Span<float> values, TangentMemory memory)
    {
        if (size > 0)
        {
            LayerNorm.Normalize(values, values, memory.GroupCredit.Span[..(values.Length / size)], size);
        }
    }
}
