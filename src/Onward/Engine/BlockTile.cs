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
    private int _waveExamples;
    private Action<int, int> _pack;

    internal BlockTile(Network model, int examples, int worker, bool passesThrough)
    {
        Worker = worker;
        int layers = model.MostLayers;
        Block = model.Blocks[0];
        Activations = model.CreateActivations(examples);
        PassingInputs =
        [
            .. Enumerable.Range(0, passesThrough ? layers : 0)
            .Select(l => AlignedMemory.Allocate(checked(examples * model.LargestInput(l)))),
        ];
        _gradients =
        [
            .. Enumerable.Range(0, layers)
            .Select(l => AlignedMemory.Allocate(checked(examples * model.LargestProduct(l)))),
        ];
        _isPacked = new bool[layers];
        _pack = Pack;
        int read = checked(examples * model.HeadRows);
        _featureGradient = AlignedMemory.Allocate(checked(read * model.Blocks.Max(block => block.Channels)));
        _finalReciprocal = AlignedMemory.Allocate(read);
        Outputs = AlignedMemory.Allocate(checked(read * model.HeadOutputs));
    }

    /// <summary>The thread that works on the tile.</summary>
    public int Worker { get; }

    /// <summary>The block.</summary>
    public NetworkBlock Block { get; internal set; }

    /// <summary>Examples in the tile.</summary>
    public int Examples { get; internal set; }

    /// <summary>Rows of the block's output in the tile: examples times positions.</summary>
    public int Rows { get; internal set; }

    /// <summary>Rows that heads read in the tile: the examples, or their positions if the network predicts tokens.</summary>
    public int HeadRows => Examples * Block.HeadRows;

    /// <summary>The tile's first example in the wave.</summary>
    internal int WaveExample { get; private set; }

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

    /// <summary>The input of an affine layer [rows, inputs].</summary>
    /// <param name="layer">The layer's place in the block.</param>
    public ReadOnlySpan<float> Input(int layer) => Activations.Inputs[layer].Span;

    /// <summary>Memory for the inputs of layers in a pass that nothing is learnt from; empty if the rule has no such pass.</summary>
    internal Memory<float>[] PassingInputs { get; }

    /// <summary>The block's output [rows, D].</summary>
    public Memory<float> Result => Activations.Result;

    /// <summary>The block's input, which is the output of the previous block or the images.</summary>
    internal Memory<float> Source => Activations.Source;

    /// <summary>Gradient of the batch's mean local loss with respect to the head's outputs [head rows, K].</summary>
    public Memory<float> Errors { get; internal set; }

    /// <summary>
    /// If values are recomputed: the gradient of the block's output, which a rule replaces by the gradient of the previous block's output.
    /// Otherwise empty.
    /// </summary>
    internal Memory<float> OutputGradient { get; set; }

    /// <summary>In the last block: the features of the final head [head rows, D].</summary>
    internal Memory<float> FinalFeatures { get; set; }

    /// <summary>In the last block: r of the normalisation before the final head [head rows].</summary>
    internal Span<float> FinalReciprocal => _finalReciprocal.Span;

    /// <summary>In the last block: gradient of the batch's mean loss with respect to the final head's outputs [head rows, K].</summary>
    public Memory<float> FinalErrors { get; internal set; }

    /// <summary>Outputs of a head [head rows, K].</summary>
    internal Memory<float> Outputs { get; }

    /// <summary>
    /// q, the gradient of the batch's mean loss with respect to pooled features [head rows, D] (docs/theory.md), which the rule computes.
    /// </summary>
    internal Span<float> FeatureGradient => _featureGradient.Span;

    /// <summary>Computes the gradient of each patch [rows, width] from the gradient of the mean over patches [head rows, width].</summary>
    /// <param name="pooled">The gradient of the mean.</param>
    /// <param name="rows">Receives the gradient of the mean, divided by the number of patches, once for each patch.</param>
    public void Spread(ReadOnlySpan<float> pooled, Span<float> rows) => Spread(pooled, 0, rows, rows.Length / pooled.Length);

    // The rows begin at a row of the tile.
    private void Spread(ReadOnlySpan<float> pooled, int row, Span<float> rows, int positions)
    {
        int width = pooled.Length / HeadRows;
        for (; !rows.IsEmpty; rows = rows[width..], row++)
        {
            TensorPrimitives.Multiply(pooled.Slice(row / positions * width, width), 1f / positions, rows[..width]);
        }
    }

    /// <summary>
    /// Carries q of the block's local loss back to the block's output: to each patch, and through the normalisation of the features.
    /// </summary>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Receives the gradient of the block's output from that row on [rows, D].</param>
    internal void PassBackThroughFeatures(int first, Span<float> rows)
    {
        Spread(FeatureGradient[..(HeadRows * Block.Channels)], first, rows, Block.PooledPositions);
        int size = Block.FeatureNorm;
        if (size > 0)
        {
            Range chunk = (first * Block.Channels)..((first * Block.Channels) + rows.Length);
            LayerNormKernel.JacobianProduct(
                Activations.Features[chunk], Activations.FeatureReciprocal[NetworkBlock.Runs(chunk, size)], rows, rows, size);
        }
    }

    /// <summary>
    /// The gradient of the batch's mean loss with respect to an affine layer's output [rows, outputs]. The rule computes it. The weight
    /// gradient is its product with <see cref="Input"/>.
    /// </summary>
    /// <param name="layer">The layer's place in the block.</param>
    public Span<float> Gradient(int layer) => _gradients[layer].Span[..OutputLength(layer)];

    /// <summary>
    /// Carries the gradient of a layer's activations, which a rule has written to <see cref="Gradient"/>, back to the layer's output, in
    /// place: through the activation function and the normalisations that follow the layer.
    /// </summary>
    /// <param name="layer">The layer's place in the block.</param>
    public void PassBackThroughActivation(int layer)
    {
        Section section = Block.Plan.SectionOf(layer);
        int rows = Examples * section.Shape.Positions;
        for (int row = 0; row < rows; row += Section.ChunkRows)
        {
            int count = Math.Min(Section.ChunkRows, rows - row);
            PassBack(layer, section.ActivationInBackward, row, count, GradientRows(layer, row, count));
        }
    }

    /// <summary>
    /// Carries a gradient of some rows back to the output of a layer, <see cref="Gradient"/>, by some of the steps behind the layer.
    /// Residuals are left out.
    /// </summary>
    /// <param name="layer">The layer's place in the block.</param>
    /// <param name="from">The first of the steps (<see cref="Section.Backward"/>).</param>
    /// <param name="row">The first row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="gradient">The gradient behind that step.</param>
    internal void PassBack(int layer, int from, int row, int rows, ReadOnlySpan<float> gradient)
    {
        Step[] backward = Block.Plan.SectionOf(layer).Backward;
        Span<float> result = GradientRows(layer, row, rows);
        for (int i = from; i < backward.Length; i++)
        {
            if (backward[i] is DerivableStep step)
            {
                step.ApplyTranspose(Activations, row, rows, gradient, result);
                gradient = result;
            }
        }

        if (gradient != result)
        {
            gradient.CopyTo(result);
        }
    }

    /// <summary>Carries the gradient of some rows at a layer's noise site back to the layer's output, in place.</summary>
    internal void PassBackFromSite(int layer, int row, int rows)
    {
        Span<float> gradient = GradientRows(layer, row, rows);
        foreach (DerivableStep step in Block.Plan.SectionOf(layer).BackwardFromSite)
        {
            step.ApplyTranspose(Activations, row, rows, gradient, gradient);
        }
    }

    /// <summary>
    /// Carries the gradient of some rows at a layer's noise site back through the only normalisation before it
    /// (<see cref="Section.SiteNorm"/>). The gradient is given as values and a factor for each normalised run.
    /// </summary>
    internal void PassBackFromSite(int layer, int row, int rows, ReadOnlySpan<float> values, ReadOnlySpan<float> factors)
    {
        Section section = Block.Plan.SectionOf(layer);
        RowStep norm = (RowStep)section.BackwardFromSite[0];
        LayerNormKernel.ScaledJacobianProduct(
            norm.SourceRows(Activations, row, rows),
            norm.State(Activations, row, rows),
            factors,
            values,
            GradientRows(layer, row, rows),
            section.SiteNorm);
    }

    /// <summary>Some rows of <see cref="Gradient"/>.</summary>
    internal Span<float> GradientRows(int layer, int row, int rows)
    {
        int width = Block.Layers[layer].Map.Outputs;
        return _gradients[layer].Span.Slice(row * width, rows * width);
    }

    /// <summary>Carries the gradient of the final head's features back through their normalisation, in place.</summary>
    internal void PassBackThroughFinalNormalization(Network model, Span<float> gradient)
    {
        if (model.NormalizesFinalFeatures)
        {
            LayerNormKernel.JacobianProduct(FinalFeatures.Span, FinalReciprocal[..HeadRows], gradient, gradient, Block.Channels);
        }
    }

    /// <summary>Attaches the tile to a wave, in which it has packed nothing yet.</summary>
    /// <param name="packed">The wave's packed output gradients of each layer.</param>
    /// <param name="example">The tile's first example in the wave.</param>
    /// <param name="examples">Examples that the wave can hold.</param>
    internal void Attach(Memory<float>[] packed, int example, int examples)
    {
        (_packed, WaveExample, _waveExamples) = (packed, example, examples);
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
    internal void Pack(int l, ReadOnlySpan<float> gradient, Span<float> packed)
    {
        int positions = Block.Layers[l].Positions;
        Block.Layers[l].Map.PackGradient(gradient, WaveExample * positions, Examples * positions, packed, _waveExamples * positions);
    }

    private int OutputLength(int layer) => Examples * Block.Layers[layer].Positions * Block.Layers[layer].Map.Outputs;

    internal long Length =>
        Activations.Length + PassingInputs.Concat(_gradients).Sum(m => (long)m.Length) + _featureGradient.Length + Outputs.Length;
}
