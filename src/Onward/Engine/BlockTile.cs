using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Engine;

/// <summary>
/// One tile of examples inside one block, with the memory of the thread that works on it: what a learning rule sees.
/// Rows are [example, patch] of the tile.
/// </summary>
public sealed class BlockTile
{
    private readonly Memory<float>[] _gradients;
    private readonly Memory<float> _featureGradient;
    private readonly Memory<float> _finalReciprocal;
    private readonly bool[] _isPacked;

    private Memory<float>[] _packed = [];
    private int _waveRows;
    private StepProfile? _profile;

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

    /// <summary>Place of the first example in the batch, or in this process's share of it.</summary>
    public int FirstExample { get; internal set; }

    /// <summary>Images in the batch or the share; an image has two views where heads project, which share their noise.</summary>
    public int Images { get; internal set; }

    /// <summary>Place of the share's first image in the batch: noise is a function of an image's place there, whoever draws it.</summary>
    public int FirstImage { get; internal set; }

    /// <summary>The training step, which names the noise.</summary>
    public uint Step { get; internal set; }

    /// <summary>The block's values for this tile.</summary>
    public BlockActivations Activations { get; }

    /// <summary>The input of each layer [rows, inputs], normalised.</summary>
    internal Memory<float>[] Inputs { get; }

    /// <summary>What a layer reads: the values before it [rows, inputs], normalised.</summary>
    /// <param name="layer">The layer's place in the block.</param>
    public ReadOnlySpan<float> Input(int layer) => Inputs[layer].Span;

    /// <summary>
    /// What ReLU reads, but for the block's input at the last layer: a layer's output after bias and normalisation [rows, outputs].
    /// </summary>
    /// <param name="layer">The layer's place in the block.</param>
    public ReadOnlySpan<float> Output(int layer) => Activations.Output(layer)[..OutputLength(layer)];

    /// <summary>Room for the inputs of layers that values pass through without anything being learnt from them; else none.</summary>
    internal Memory<float>[] PassingInputs { get; }

    /// <summary>The block's output [rows, D].</summary>
    public Memory<float> Result { get; internal set; }

    /// <summary>The block's input [rows, inputs].</summary>
    internal ReadOnlyMemory<float> Source { get; set; }

    /// <summary>
    /// The output of the block before [its rows, its D], which is the block's input unless the grid narrows; empty in the first block.
    /// </summary>
    internal Memory<float> Previous { get; set; }

    /// <summary>Gradient of the batch's mean local loss with respect to the head's outputs [examples, K].</summary>
    public Memory<float> Errors { get; internal set; }

    /// <summary>Where values are recomputed: gradient of the block's output, then of the output of the block before; else empty.</summary>
    internal Memory<float> OutputGradient { get; set; }

    /// <summary>In the last block: what the final head reads [examples, D].</summary>
    internal Memory<float> FinalFeatures { get; set; }

    /// <summary>In the last block: r of the normalisation before the final head [examples].</summary>
    internal Span<float> FinalReciprocal => _finalReciprocal.Span;

    /// <summary>In the last block: gradient of the batch's mean loss with respect to the final head's outputs [examples, K].</summary>
    public Memory<float> FinalErrors { get; internal set; }

    internal Memory<float> Patches { get; }

    /// <summary>Room for the input of a block where the grid narrows.</summary>
    internal Memory<float> Narrowed { get; }

    /// <summary>Outputs of a head [examples, K].</summary>
    internal Memory<float> Outputs { get; }

    /// <summary>
    /// q: where the rule leaves the gradient of the batch's mean loss with respect to pooled features [examples, D] (spec 3.4).
    /// </summary>
    internal Span<float> FeatureGradient => _featureGradient.Span;

    /// <summary>A gradient of a mean over patches [examples, width], as the gradient of each patch [rows, width].</summary>
    /// <param name="pooled">The gradient of the mean.</param>
    /// <param name="rows">Receives it, divided by the number of patches, once for each patch.</param>
    public void Spread(ReadOnlySpan<float> pooled, Span<float> rows) => Spread(pooled, 0, rows);

    // The same from some row on.
    private void Spread(ReadOnlySpan<float> pooled, int row, Span<float> rows)
    {
        int width = pooled.Length / Examples;
        for (; !rows.IsEmpty; rows = rows[width..], row++)
        {
            TensorPrimitives.Multiply(pooled.Slice(row / Block.Patches * width, width), 1f / Block.Patches, rows[..width]);
        }
    }

    /// <summary>
    /// Takes q of the block's local loss back to the block's output: to each patch, and through the normalisation of the features.
    /// </summary>
    /// <param name="first">The first of some rows.</param>
    /// <param name="rows">Receives the gradient of the block's output there [rows, D].</param>
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
    /// Where the rule leaves the gradient of the batch's mean loss with respect to a layer's output, before bias and normalisation
    /// [rows, outputs]. The weight gradient is its product with <see cref="Input"/>.
    /// </summary>
    /// <param name="layer">The layer's place in the block.</param>
    public Span<float> Gradient(int layer) => _gradients[layer].Span[..OutputLength(layer)];

    /// <summary>
    /// Turns <see cref="Gradient"/>, where a rule has left the gradient of what comes after the layer's ReLU, into that of its output
    /// before bias and normalisation.
    /// </summary>
    /// <param name="layer">The layer's place in the block.</param>
    public void PassBackThroughActivation(int layer) => PassBackThroughActivation(layer, ..OutputLength(layer), Gradient(layer));

    /// <summary>The same for a chunk of whole rows, from the gradient of what comes after the layer's ReLU there.</summary>
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

    /// <summary>Leaves the gradient of a layer's output before bias and normalisation, from that of its normalised output.</summary>
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

    /// <summary>The same in place, for a chunk of whole rows.</summary>
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

    /// <summary>The same for a chunk, of a gradient that is some values times one factor for each run that is normalised.</summary>
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

    /// <summary>Turns the gradient of the features that the final head reads into that of their mean before normalisation.</summary>
    internal void PassBackThroughFinalNormalization(LocalMixer model, Span<float> gradient)
    {
        if (model.NormalizesFinalFeatures)
        {
            LayerNorm.JacobianProduct(FinalFeatures.Span, FinalReciprocal[..Examples], gradient, gradient, Block.Channels);
        }
    }

    /// <summary>Says where the wave keeps what the weight gradients are taken from, and that nothing of this tile is there yet.</summary>
    /// <param name="packed">The wave's output gradients of each layer, packed.</param>
    /// <param name="row">The tile's first row in the wave.</param>
    /// <param name="rows">Rows that the wave can hold.</param>
    /// <param name="profile">Where the time of packing is added up, if it is.</param>
    internal void Enter(Memory<float>[] packed, int row, int rows, StepProfile? profile)
    {
        (_packed, WaveRow, _waveRows, _profile) = (packed, row, rows, profile);
        Array.Clear(_isPacked);
    }

    /// <summary>
    /// Packs a layer's output gradient for the wave, unless that is done. A rule does it within its differentiation as soon as nothing more
    /// comes to the gradient, while it is in the cache; what it leaves is packed after it.
    /// </summary>
    internal void PackGradient(int l)
    {
        if (_isPacked[l])
        {
            return;
        }

        long since = StepProfile.Begin(_profile);
        Pack(l, Gradient(l), _packed[l].Span);
        _isPacked[l] = true;
        _profile?.AddWithin(StepPhase.Differentiation, StepPhase.PackGradients, Worker, since, 2.0 * sizeof(float) * OutputLength(l));
    }

    /// <summary>Packs a gradient of a layer's output at the tile's place in memory that is laid out as the wave's.</summary>
    internal void Pack(int l, ReadOnlySpan<float> gradient, Span<float> packed) =>
        Block.Layers[l].Map.PackGradient(gradient, WaveRow, Rows, packed, _waveRows);

    private int OutputLength(int layer) => Rows * Block.Layers[layer].Map.Outputs;

    internal long Length =>
        Activations.Length + PassingInputs.Concat(_gradients).Sum(m => (long)m.Length) + _featureGradient.Length + Patches.Length
            + Narrowed.Length + Outputs.Length;
}
