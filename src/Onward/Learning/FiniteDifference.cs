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
    internal delegate void DrawNoise(BlockTile tile, MixerLayer layer, int pass, int row, Span<float> noise);

    /// <summary>
    /// Replaces the tangent of the block's input, if it has one, by that of its output, in the memory's output, with noise on
    /// the activities of some layers.
    /// </summary>
    internal static void Carry(LocalMixer model, BlockTile tile, TangentMemory memory, bool inputMoves, int pass, Range noisy, DrawNoise draw) =>
        Carry(model, tile, memory, inputMoves, new Displacement(noisy.Start.Value, noisy.End.Value, pass, draw, null, []));

    /// <summary>The same with weights and biases moved, by a step that the direction already has.</summary>
    internal static void CarryWeights(LocalMixer model, BlockTile tile, TangentMemory memory, bool inputMoves, ParameterVector direction, Memory<float>[] packed) =>
        Carry(model, tile, memory, inputMoves, new Displacement(0, 0, 0, null, direction, packed));

    /// <summary>The same through a block in which nothing but the input moves.</summary>
    internal static void CarryThrough(LocalMixer model, BlockTile tile, TangentMemory memory) =>
        Carry(model, tile, memory, inputMoves: true, new Displacement(0, 0, 0, null, null, []));

    private static void Carry(LocalMixer model, BlockTile tile, TangentMemory memory, bool inputMoves, in Displacement displacement)
    {
        MixerBlock block = tile.Block;
        int last = block.Layers.Count - 1;
        Span<float> input = memory.Input.Span, output = memory.Output.Span;
        ReadOnlySpan<float> source = tile.Source.Span;
        if (inputMoves)
        {
            Span<float> moved = memory.Source.Span[..source.Length];
            MoveInput(tile, output[..tile.Previous.Length], moved);
            moved.CopyTo(input);
            Normalize(block.Layers[0].InputNorm, input[..moved.Length], memory, block.Epsilon);
            source = moved;
        }

        for (int l = displacement.First; l <= last; l++)
        {
            MixerLayer layer = block.Layers[l];
            bool inputIsMoved = l > displacement.First || inputMoves;
            bool outputIsNew = inputIsMoved || displacement.Direction is not null;
            if (outputIsNew)
            {
                ReadOnlySpan<float> x = inputIsMoved ? input : tile.Inputs[l].Span;
                layer.Map.Apply(layer.PackedWeight, x, output, tile.Rows, tile.Activations.Workspace.Span);
                if (displacement.Direction is not null)
                {
                    layer.Map.Apply(displacement.Packed[layer.Index].Span, x, output, tile.Rows, tile.Activations.Workspace.Span, accumulate: true);
                }
            }
            else
            {
                tile.Activations.Output(l)[..(tile.Rows * layer.Map.Outputs)].CopyTo(output);
            }

            ReadOnlySpan<float> active = l == last ? tile.Result.Span : tile.Activations.Output(l);
            for (int row = 0; row < tile.Rows; row += MixerBlock.ChunkRows)
            {
                Range chunk = MixerBlock.Chunk(row, tile.Rows, layer.Map.Outputs);
                Span<float> moved = output[chunk];
                if (outputIsNew)
                {
                    layer.Map.AddBias(model.Values[layer.Bias], moved, row % block.Patches);
                    if (displacement.Direction is not null)
                    {
                        layer.Map.AddBias(displacement.Direction[layer.Bias], moved, row % block.Patches);
                    }

                    Normalize(layer.OutputNorm, moved, memory, block.Epsilon);
                }

                if (l < displacement.End)
                {
                    Span<float> noise = memory.Direction(tile, l)[chunk];
                    displacement.Draw!(tile, layer, displacement.Pass, row, noise);
                    TensorPrimitives.MultiplyAdd(noise, Step, moved, moved);
                    Activation.Mask(active[chunk], noise);
                }

                if (l < last)
                {
                    Activation.Relu(moved, input[chunk]);
                    Normalize(block.Layers[l + 1].InputNorm, input[chunk], memory, block.Epsilon);
                }
                else
                {
                    TakeDifference(block, moved, block.HasResidual ? source[MixerBlock.Chunk(row, tile.Rows, block.Inputs)] : [], active[chunk]);
                }
            }
        }
    }

    // A block's input from the output of the block before, moved along its tangent.
    private static void MoveInput(BlockTile tile, Span<float> tangent, Span<float> moved)
    {
        if (tile.Block.InputPooling is null)
        {
            TensorPrimitives.MultiplyAdd(tangent, Step, tile.Previous.Span, moved);
            return;
        }

        TensorPrimitives.MultiplyAdd(tangent, Step, tile.Previous.Span, tangent);
        tile.Block.InputPooling.Apply(tangent, moved);
    }

    // The block's output from its last pre-activation, and what it differs by from the one that did not move, over the step.
    private static void TakeDifference(MixerBlock block, Span<float> moved, ReadOnlySpan<float> residual, ReadOnlySpan<float> still)
    {
        if (!residual.IsEmpty)
        {
            block.AddResidualRelu(moved, residual, moved);
        }
        else
        {
            Activation.Relu(moved, moved);
        }

        TensorPrimitives.Subtract(moved, still, moved);
        TensorPrimitives.Multiply(moved, 1 / Step, moved);
    }

    private static void Normalize(int size, Span<float> values, TangentMemory memory, float epsilon)
    {
        if (size > 0)
        {
            LayerNorm.Normalize(values, values, memory.Reciprocals.Span[..(values.Length / size)], size, epsilon);
        }
    }

    // What moves in a block: the activities of the layers from First to before End by drawn noise, or weights and biases.
    private readonly record struct Displacement(int First, int End, int Pass, DrawNoise? Draw, ParameterVector? Direction, Memory<float>[] Packed);
}
