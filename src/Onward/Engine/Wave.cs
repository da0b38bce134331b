using Onward.Kernels;
using Onward.Models;

namespace Onward.Engine;

/// <summary>
/// The memory of the examples that pass through the blocks together. Tiles write it, and weight gradients are computed from it. Its
/// size does not depend on the batch.
/// </summary>
internal sealed class Wave
{
    // With so many rows, reading and writing a weight gradient once a wave costs little compared with its product.
    private const int Rows = 512;

    internal Wave(Network model, int threads, Locality locality)
    {
        int positions = model.MostRows;
        Examples = Math.Max(Math.Max(Rows / positions, 1), positions == 1 ? 1 : threads);
        OutputLength = model.LargestOutput;
        Blocks = new WaveBlock[model.Blocks.Count];
        for (int k = 0; k < Blocks.Length; k++)
        {
            // Blocks that learn one after another share memory. Only the input of a block must be kept while the block before is
            // overwritten or, if errors come back, the inputs of all blocks.
            Blocks[k] = locality == Locality.Network ? new WaveBlock([model.Blocks[k]], model, this, null)
                : k < 2 || locality == Locality.NetworkRecomputed ? new WaveBlock(model.Blocks, model, this, k == 0 ? null : Blocks[0])
                : Blocks[k - 2];
        }

        OutputGradient = AlignedMemory.Allocate(locality == Locality.NetworkRecomputed ? checked(Examples * OutputLength) : 0);
        int read = checked(Examples * model.HeadRows);
        FinalFeatures = AlignedMemory.Allocate(checked(read * model.FinalHead.Features));
        FinalErrors = AlignedMemory.Allocate(checked(read * model.HeadOutputs));
        FinalLosses = new float[read];
        Mistakes = new bool[read];
        HeadWorkspaceLength = Gemm.WorkspaceLength(read);
        Workspace = AlignedMemory.Allocate((model.Blocks.Count + 1) * HeadWorkspaceLength);
    }

    /// <summary>Examples that a wave can hold.</summary>
    internal int Examples { get; }

    /// <summary>Floats from the outputs of an example to the outputs of the next: the largest output of a block.</summary>
    internal int OutputLength { get; }

    /// <summary>The memory of each block; blocks may share it.</summary>
    internal WaveBlock[] Blocks { get; }

    /// <summary>
    /// If values are recomputed: the gradient of the output of the block that the error has come to, with the layout of outputs.
    /// </summary>
    internal Memory<float> OutputGradient { get; }

    /// <summary>The features of the final head [head rows, D].</summary>
    internal Memory<float> FinalFeatures { get; }

    /// <summary>Gradient of the final head's loss with respect to its outputs, divided by the batch [head rows, K].</summary>
    internal Memory<float> FinalErrors { get; }

    internal float[] FinalLosses { get; }

    internal bool[] Mistakes { get; }

    /// <summary>
    /// Workspace for the gradients of the local heads and, last, of the final head, which may be computed at the same time.
    /// </summary>
    internal Memory<float> Workspace { get; }

    internal int HeadWorkspaceLength { get; }

    internal long Length =>
        Blocks.Distinct().Sum(block => block.Length) + OutputGradient.Length + FinalFeatures.Length + FinalErrors.Length + Workspace.Length;
}

/// <summary>The memory of one block in a wave.</summary>
internal sealed class WaveBlock
{
    private readonly bool _ownsLayers;

    internal WaveBlock(IReadOnlyList<NetworkBlock> served, Network model, Wave wave, WaveBlock? layersOf)
    {
        int layers = model.MostLayers;
        _ownsLayers = layersOf is null;
        Inputs = layersOf?.Inputs
            ??
            [
                .. Enumerable.Range(0, layers)
                .Select(
                    l => AlignedMemory.Allocate(
                        Largest(l, (block, layer) => checked(wave.Examples * block.Plan.SectionOf(layer.Place).InputShape.Length)))),
            ];
        PackedGradients = layersOf?.PackedGradients
            ??
            [
                .. Enumerable.Range(0, layers)
                .Select(
                    l => AlignedMemory.Allocate(
                        Largest(l, (block, layer) => layer.Map.PackedGradientLength(checked(wave.Examples * layer.Positions))))),
            ];
        Result = AlignedMemory.Allocate(checked(wave.Examples * wave.OutputLength));
        int read = checked(wave.Examples * model.HeadRows);
        Features = AlignedMemory.Allocate(checked(read * served.Max(block => block.Channels)));
        Errors = AlignedMemory.Allocate(checked(read * model.HeadOutputs));
        Losses = new float[read];

        int Largest(int l, Func<NetworkBlock, NetworkLayer, int> length) =>
            served.Where(block => l < block.Layers.Count).Select(block => length(block, block.Layers[l])).DefaultIfEmpty().Max();
    }

    /// <summary>The input of each layer [rows, inputs], normalised.</summary>
    internal Memory<float>[] Inputs { get; }

    /// <summary>The output gradient of each layer, packed.</summary>
    internal Memory<float>[] PackedGradients { get; }

    /// <summary>The block's output [P, D] of each example. Examples are <see cref="Wave.OutputLength"/> floats apart.</summary>
    internal Memory<float> Result { get; }

    /// <summary>The pooled features of the local head [head rows, D].</summary>
    internal Memory<float> Features { get; }

    /// <summary>Gradient of the local loss with respect to the head's outputs, divided by the batch [head rows, K].</summary>
    internal Memory<float> Errors { get; }

    internal float[] Losses { get; }

    internal long Length =>
        (_ownsLayers ? Inputs.Concat(PackedGradients).Sum(m => (long)m.Length) : 0) + Result.Length + Features.Length + Errors.Length;
}

/// <summary>A fit of a rule's own matrices to the waves of a step, in parts that threads share.</summary>
internal abstract class WaveFit
{
    /// <summary>Counts the parts of the fit that are computed from a block's waves in the step under way; 0 if there are none.</summary>
    internal abstract int PartsOf(int block);

    /// <summary>Computes a part of the fit from a complete wave.</summary>
    /// <param name="block">The block.</param>
    /// <param name="part">The part, from 0.</param>
    /// <param name="wave">The block's memory of the wave.</param>
    /// <param name="worker">The thread.</param>
    /// <param name="examples">Examples in the wave.</param>
    /// <param name="capacity">Examples that the wave can hold.</param>
    /// <param name="accumulate">True to add to the sums of earlier waves.</param>
    /// <param name="workspace">Workspace for a product.</param>
    internal abstract void Take(
        int block, int part, WaveBlock wave, int worker, int examples, int capacity, bool accumulate, Span<float> workspace);
}
