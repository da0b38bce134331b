using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Engine;

/// <summary>
/// One tile of examples inside one block, with the memory of the thread that works on it. A learning rule reads the values and
/// losses of the tile, and writes its gradients. Rows are [example, patch] of the tile.
/// </summary>
public sealed class BlockTile
{
    private readonly Memory<float>[] _gradients;
    private readonly Memory<float> _featureGradient;
    private readonly Memory<float> _finalReciprocal;
    private readonly bool[] _isPacked;

    private Memory<float>[] _packed = [];
    private int _waveRows;
    private Action<int, int> _pack;

    internal BlockTile(LocalMixer model, int examples, int worker, bool passesThrough)
    {
        Worker = worker;
        LocalMixerOptions options = model.Options;
        int layers = model.Blocks.Max(block => block.Layers.Count);
        Block = model.Blocks[0];
        Activations = new BlockActivations(model, examples);
        Inputs = new Memory<float>[layers];
        PassingInputs =
        [
            .. Enumerable.Range(0, passesThrough ? layers : 0)
            .Select(l => AlignedMemory.Allocate(checked(examples * model.LargestLayer(l, layer => layer.Inputs)))),
        ];
        _gradients =
        [
            .. Enumerable.Range(0, layers)
            .Select(l => AlignedMemory.Allocate(checked(examples * model.LargestLayer(l, layer => layer.Outputs)))),
        ];
        _isPacked = new bool[layers];
        _pack = Pack;
        _featureGradient = AlignedMemory.Allocate(examples * model.Blocks.Max(block => block.Channels));
        Patches = AlignedMemory.Allocate(options.Patches == 1 ? 0 : checked(examples * options.Patches * options.PatchVector));
        Narrowed = AlignedMemory.Allocate(
            examples * model.Blocks.Max(block => block.InputPooling is null ? 0 : block.Patches * block.Inputs));
        _finalReciprocal = AlignedMemory.Allocate(examples);
        Outputs = AlignedMemory.Allocate(examples * options.HeadOutputs);
    }

    /// <summary>The thread that works on the tile.</summary>
    public int Worker { get; }

    /// <summary>The block.</summary>
    public MixerBlock Block { get; internal set; }

    /// <summary>Examples in the tile.</summary>
    public int Examples { get; internal set; }

    /// <summary>Rows in the tile: examples times patches.</summary>
    public int Rows { get; internal set; }

    /// <summary>The tile's first row in the wave.</summary>
    internal int WaveRow { get; private set; }

    /// <summary>Place of the first example in the batch, or in this process's share of the batch.</summary>
    public int FirstExample { get; internal set; }

    /// <summary>Images in the batch or the share. In a self-supervised network, an image has two views, which share their noise.</summary>
    public int Images { get; internal set; }

    /// <summary>
    /// Place of the share's first image in the batch. Noise depends on the place of an image in the batch, not on the process.
    /// </summary>
    public int FirstImage { get; internal set; }

    /// <summary>The number of the training step, on which noise depends.</summary>
    public uint Step { get; internal set; }

    /// <summary>The block's values for this tile.</summary>
    public BlockActivations Activations { get; }

    /// <summary>The input of each layer [rows, inputs], normalised.</summary>
    internal Memory<float>[] Inputs { get; }

    /// <summary>The input of a layer [rows, inputs], normalised.</summary>
    /// <param name="layer">The layer's place in the block.</param>
    public ReadOnlySpan<float> Input(int layer) => Inputs[layer].Span;

    /// <summary>
    /// A layer's output after bias and normalisation [rows, outputs]: the input of its ReLU. In the last layer, the residual is added
    /// before the ReLU, and is not included here.
    /// </summary>
    /// <param name="layer">The layer's place in the block.</param>
    public ReadOnlySpan<float> Output(int layer) => Activations.Output(layer)[..OutputLength(layer)];

    /// <summary>Memory for the inputs of layers in a pass that nothing is learnt from; empty if the rule has no such pass.</summary>
    internal Memory<float>[] PassingInputs { get; }

    /// <summary>The block's output [rows, D].</summary>
    public Memory<float> Result { get; internal set; }

    /// <summary>The block's input [rows, inputs].</summary>
    internal ReadOnlyMemory<float> Source { get; set; }

    /// <summary>
    /// The output of the previous block [its rows, its D], which is this block's input unless the grid narrows; empty in the first block.
    /// </summary>
    internal Memory<float> Previous { get; set; }

    /// <summary>Gradient of the batch's mean local loss with respect to the head's outputs [examples, K].</summary>
    public Memory<float> Errors { get; internal set; }

    /// <summary>
    /// If values are recomputed: the gradient of the block's output, which a rule replaces by the gradient of the previous block's output.
    /// Otherwise empty.
    /// </summary>
    internal Memory<float> OutputGradient { get; set; }

    /// <summary>In the last block: the features of the final head [examples, D].</summary>
    internal Memory<float> FinalFeatures { get; set; }

    /// <summary>In the last block: r of the normalisation before the final head [examples].</summary>
    internal Span<float> FinalReciprocal => _finalReciprocal.Span;

    /// <summary>In the last block: gradient of the batch's mean loss with respect to the final head's outputs [examples, K].</summary>
    public Memory<float> FinalErrors { get; internal set; }

    internal Memory<float> Patches { get; }

    /// <summary>Memory for the input of a block at which the grid narrows.</summary>
    internal Memory<float> Narrowed { get; }

    /// <summary>Outputs of a head [examples, K].</summary>
    internal Memory<float> Outputs { get; }

    /// <summary>
    /// q, the gradient of the batch's mean loss with respect to pooled features [examples, D] (docs/theory.md), which the rule computes.
    /// </summary>
    internal Span<float> FeatureGradient => _featureGradient.Span;

    /// <summary>Computes the gradient of each patch [rows, width] from the gradient of the mean over patches [examples, width].</summary>
    /// <param name="pooled">The gradient of the mean.</param>
    /// <param name="rows">Receives the gradient of the mean, divided by the number of patches, once for each patch.</param>
    public void Spread(ReadOnlySpan<float> pooled, Span<float> rows) => Spread(pooled, 0, rows);

    // The rows begin at a row of the tile.
    private void Spread(ReadOnlySpan<float> pooled, int row, Span<float> rows)
    {
        int width = pooled.Length / Examples;
        for (; !rows.IsEmpty; rows = rows[width..], row++)
        {
            TensorPrimitives.Multiply(pooled.Slice(row / Block.Patches * width, width), 1f / Block.Patches, rows[..width]);
        }
    }

    /// <summary>
    /// Carries q of the block's local loss back to the block's output: to each patch, and through the normalisation of the features.
    /// </summary>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Receives the gradient of the block's output from that row on [rows, D].</param>
    internal void PassBackThroughFeatures(int first, Span<float> rows)
    {
        Spread(FeatureGradient[..(Examples * Block.Channels)], first, rows);
        int size = Block.FeatureNorm;
        if (size > 0)
        {
            Range chunk = (first * Block.Channels)..((first * Block.Channels) + rows.Length);
            LayerNorm.JacobianProduct(
                Activations.Features[chunk], Activations.FeatureReciprocal[MixerBlock.Runs(chunk, size)], rows, rows, size);
        }
    }

    /// <summary>
    /// The gradient of the batch's mean loss with respect to a layer's output, before bias and normalisation [rows, outputs]. The rule
    /// computes it. The weight gradient is its product with <see cref="Input"/>.
    /// </summary>
    /// <param name="layer">The layer's place in the block.</param>
    public Span<float> Gradient(int layer) => _gradients[layer].Span[..OutputLength(layer)];

    /// <summary>
    /// Carries the gradient of a layer's activations, which a rule has written to <see cref="Gradient"/>, back to the layer's output
    /// before bias and normalisation, in place.
    /// </summary>
    /// <param name="layer">The layer's place in the block.</param>
    public void PassBackThroughActivation(int layer) => PassBackThroughActivation(layer, ..OutputLength(layer), Gradient(layer));

    /// <summary>
    /// Carries the gradient of a layer's activations, in a chunk of whole rows, back to the layer's output before bias and normalisation.
    /// </summary>
    internal void PassBackThroughActivation(int l, Range chunk, ReadOnlySpan<float> activities)
    {
        int size = Block.Layers[l].OutputNorm;
        Span<float> gradient = Gradient(l)[chunk];
        if (size > 0 && l < Block.Layers.Count - 1)
        {
            LayerNorm.RectifiedJacobianProduct(
                Output(l)[chunk], Activations.OutputReciprocal(l)[MixerBlock.Runs(chunk, size)], activities, gradient, size);
            return;
        }

        activities.CopyTo(gradient);
        Activation.Mask((l == Block.Layers.Count - 1 ? Result.Span : Output(l))[chunk], gradient);
        PassBackThroughNormalization(l, chunk);
    }

    /// <summary>Carries the gradient of a layer's normalised output back to the output before bias and normalisation.</summary>
    internal void PassBackThroughNormalization(int l, ReadOnlySpan<float> normalized)
    {
        int size = Block.Layers[l].OutputNorm;
        if (size > 0)
        {
            LayerNorm.JacobianProduct(
                Output(l), Activations.OutputReciprocal(l)[..(normalized.Length / size)], normalized, Gradient(l), size);
        }
        else
        {
            normalized.CopyTo(Gradient(l));
        }
    }

    /// <summary>Carries <see cref="Gradient"/> back through the normalisation after a layer, in place, for a chunk of whole rows.</summary>
    internal void PassBackThroughNormalization(int l, Range chunk)
    {
        int size = Block.Layers[l].OutputNorm;
        if (size > 0)
        {
            Span<float> gradient = Gradient(l)[chunk];
            LayerNorm.JacobianProduct(
                Activations.Output(l)[chunk], Activations.OutputReciprocal(l)[MixerBlock.Runs(chunk, size)], gradient, gradient, size);
        }
    }

    /// <summary>
    /// Carries a gradient back through the normalisation after a layer, for a chunk of whole rows. The gradient is given as values and a
    /// factor for each normalised run.
    /// </summary>
    internal void PassBackThroughNormalization(int l, Range chunk, ReadOnlySpan<float> values, ReadOnlySpan<float> factors)
    {
        int size = Block.Layers[l].OutputNorm;
        LayerNorm.ScaledJacobianProduct(
            Activations.Output(l)[chunk],
            Activations.OutputReciprocal(l)[MixerBlock.Runs(chunk, size)],
            factors,
            values,
            Gradient(l)[chunk],
            size);
    }

    /// <summary>Carries the gradient of the final head's features back through their normalisation, in place.</summary>
    internal void PassBackThroughFinalNormalization(LocalMixer model, Span<float> gradient)
    {
        if (model.NormalizesFinalFeatures)
        {
            LayerNorm.JacobianProduct(FinalFeatures.Span, FinalReciprocal[..Examples], gradient, gradient, Block.Channels);
        }
    }

    /// <summary>Attaches the tile to a wave, in which it has packed nothing yet.</summary>
    /// <param name="packed">The wave's packed output gradients of each layer.</param>
    /// <param name="row">The tile's first row in the wave.</param>
    /// <param name="rows">Rows that the wave can hold.</param>
    internal void Attach(Memory<float>[] packed, int row, int rows)
    {
        (_packed, WaveRow, _waveRows) = (packed, row, rows);
        Array.Clear(_isPacked);
    }

    /// <summary>Measures the packing of gradients from now on, or stops measuring if there is no profile.</summary>
    internal void Measure(StepProfile? profile) =>
        _pack = profile?.Around(StepPhase.PackGradients, Pack, l => new PhaseWork(0, 2.0 * sizeof(float) * OutputLength(l))) ?? Pack;

    /// <summary>
    /// Packs a layer's output gradient for the wave, unless that is done. A rule calls this when the gradient is final, while it is in
    /// the cache. The engine packs the gradients that the rule has not packed.
    /// </summary>
    internal void PackGradient(int l)
    {
        if (!_isPacked[l])
        {
            _isPacked[l] = true;
            _pack(l, Worker);
        }
    }

    private void Pack(int l, int worker) => Pack(l, Gradient(l), _packed[l].Span);

    /// <summary>Packs a gradient of a layer's output into memory with the layout of the wave's packed gradients.</summary>
    internal void Pack(int l, ReadOnlySpan<float> gradient, Span<float> packed) =>
        Block.Layers[l].Map.PackGradient(gradient, WaveRow, Rows, packed, _waveRows);

    private int OutputLength(int layer) => Rows * Block.Layers[layer].Map.Outputs;

    internal long Length =>
        Activations.Length + PassingInputs.Concat(_gradients).Sum(m => (long)m.Length) + _featureGradient.Length + Patches.Length
            + Narrowed.Length + Outputs.Length;
}
