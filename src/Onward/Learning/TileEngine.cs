using Onward.Kernels;
using Onward.Models;
using Onward.Threads;

namespace Onward.Learning;

/// <summary>
/// Runs a local learning rule over a batch in constant memory. The batch is cut into waves and a wave into tiles. In
/// each block, every tile goes through value, loss and the rule's output gradients on one thread; then the wave's weight
/// gradients are taken in slices.
/// </summary>
/// <remarks>
/// Each number of a weight gradient is one chain of multiply-adds over the rows of the batch in order, and each row's
/// arithmetic is its own. So neither threads, nor tiles, nor waves change a single bit of the result.
/// </remarks>
public sealed class TileEngine
{
    // Rows that share one pass over a block's weights.
    private const int TileRows = 64;
    private const int SmallestTileRows = 16;

    private readonly LocalMixer _model;
    private readonly WorkerTeam _team;
    private readonly Wave _wave;
    private readonly BlockTile[] _tiles;
    private readonly int _tileExamples;
    private readonly Action<BlockTile> _rule;
    private readonly Action<int, int> _runTile;
    private readonly Action<int, int> _runSlice;
    private readonly (int Layer, int Slice)[][] _slices;
    private readonly StepResult _result;

    private ReadOnlyMemory<float> _pixels;
    private ReadOnlyMemory<int> _labels;
    private int _batch;
    private int _first;
    private int _examples;
    private int _perTile;
    private uint _step;
    private MixerBlock _block;

    /// <summary>Allocates all memory that steps of this rule will use.</summary>
    /// <param name="model">The model to differentiate.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="rule">Fills the output gradient of each layer of a tile's block.</param>
    internal TileEngine(LocalMixer model, WorkerTeam team, Action<BlockTile> rule)
    {
        _model = model;
        _team = team;
        _rule = rule;
        _wave = new Wave(model, team.Count);
        _tileExamples = Math.Clamp(TileRows / model.Options.Patches, 1, _wave.Examples);
        _tiles = [.. Enumerable.Range(0, team.Count).Select(worker => new BlockTile(model, _tileExamples, worker))];
        _runTile = RunTile;
        _runSlice = RunSlice;
        _slices =
        [
            .. model.Blocks.Select(block => block.Layers.SelectMany((layer, l) => Enumerable.Range(0, layer.Map.GradientSlices).Select(slice => (l, slice))).ToArray()),
        ];
        _block = model.Blocks[0];
        _result = new StepResult(model.Blocks.Count);
        Gradients = new ParameterVector(model.Values.Layout);
    }

    /// <summary>The gradients of the last step.</summary>
    public ParameterVector Gradients { get; }

    /// <summary>Bytes of activations, tangents and output gradients that a step works in.</summary>
    public long ActivationBytes => sizeof(float) * (_wave.Length + _tiles.Sum(tile => tile.Length));

    /// <summary>The tile that each thread works on.</summary>
    internal IReadOnlyList<BlockTile> Tiles => _tiles;

    /// <summary>Computes the gradients of one batch.</summary>
    /// <param name="pixels">Standardised images [example, row, column, channel].</param>
    /// <param name="labels">The class of each example.</param>
    /// <param name="step">The step's number, which names its noise.</param>
    /// <returns>What the step measured; overwritten by the next step.</returns>
    internal StepResult Step(ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step)
    {
        int image = _model.Options.ImageSide * _model.Options.ImageSide * _model.Options.ImageChannels;
        if (labels.IsEmpty || pixels.Length != checked(labels.Length * image))
        {
            throw new ArgumentException($"A batch of {labels.Length} images of {image} numbers has {(long)labels.Length * image} numbers, at least one image; got {pixels.Length}.");
        }

        (_pixels, _labels, _batch, _step) = (pixels, labels, labels.Length, step);
        Array.Clear(_result.BlockLosses);
        _result.ReadoutLoss = 0;
        _result.Mistakes = 0;
        _model.Pack(_team);
        for (_first = 0; _first < _batch; _first += _wave.Examples)
        {
            _examples = Math.Min(_wave.Examples, _batch - _first);

            // Two tiles a thread where examples are small, so that a thread held up does not hold up the rest, but no tile
            // so small that the pass over the weights is wasted on it.
            int share = (_examples + (2 * _team.Count) - 1) / (2 * _team.Count);
            _perTile = Math.Clamp(share, Math.Max(1, SmallestTileRows / _model.Options.Patches), _tileExamples);
            for (int k = 0; k < _model.Blocks.Count; k++)
            {
                _block = _model.Blocks[k];
                _team.Run((_examples + _perTile - 1) / _perTile, _runTile);
                _team.Run(_slices[k].Length + (IsLast(_block) ? 2 : 1), _runSlice);
                _result.BlockLosses[k] = AddLosses(_result.BlockLosses[k], _wave.Losses);
            }

            _result.ReadoutLoss = AddLosses(_result.ReadoutLoss, _wave.ReadoutLosses);
            _result.Mistakes += _wave.Mistakes.AsSpan(0, _examples).Count(true);
        }

        for (int k = 0; k < _result.BlockLosses.Length; k++)
        {
            _result.BlockLosses[k] /= _batch;
        }

        _result.ReadoutLoss /= _batch;
        return _result;
    }

    // Example by example, so that sums do not depend on where a wave ends.
    private double AddLosses(double sum, float[] losses)
    {
        foreach (float loss in losses.AsSpan(0, _examples))
        {
            sum += loss;
        }

        return sum;
    }

    private bool IsLast(MixerBlock block) => block.Index == _model.Blocks.Count - 1;

    // One tile through the current block: value, local loss, the rule, and the packed output gradients.
    private void RunTile(int job, int worker)
    {
        LocalMixerOptions options = _model.Options;
        BlockTile tile = _tiles[worker];
        int example = job * _perTile;
        tile.Block = _block;
        tile.Examples = Math.Min(_perTile, _examples - example);
        tile.Rows = tile.Examples * options.Patches;
        tile.FirstExample = _first + example;
        tile.Step = _step;
        int row = example * options.Patches;
        for (int l = 0; l < _block.Layers.Count; l++)
        {
            int inputs = _block.Layers[l].Map.Inputs;
            tile.Inputs[l] = _wave.Inputs[l].Slice(row * inputs, tile.Rows * inputs);
        }

        Memory<float> Rows(int block) => _wave.Results[block & 1].Slice(row * options.Channels, tile.Rows * options.Channels);
        tile.Result = Rows(_block.Index);
        ReadOnlySpan<float> x = _block.Index == 0 ? ExtractPatches(tile) : Rows(_block.Index - 1).Span;
        _block.Forward(_model.Values, x, tile.Inputs, tile.Result.Span, tile.Activations, tile.Rows);

        Span<float> pooled = tile.Activations.Pooled[..(tile.Examples * options.Channels)];
        pooled.CopyTo(_wave.Features.Span[(example * options.Channels)..]);
        Span<float> errors = _wave.Errors.Span.Slice(example * options.Classes, tile.Examples * options.Classes);
        Classify(_block.Head, tile, pooled, errors, _wave.Losses.AsSpan(example), default);
        _block.Head.FeatureGradient(errors, tile.FeatureGradient, tile.Examples);

        _rule(tile);
        for (int l = 0; l < _block.Layers.Count; l++)
        {
            _block.Layers[l].Map.PackGradient(tile.Gradient(l)[..(tile.Rows * options.Channels)], row, tile.Rows, _wave.PackedGradients[l].Span, _wave.Capacity);
        }

        if (IsLast(_block))
        {
            Span<float> features = _wave.ReadoutFeatures.Span.Slice(example * options.Channels, tile.Examples * options.Channels);
            _model.PoolForReadout(tile.Result.Span, features);
            Span<float> readoutErrors = _wave.ReadoutErrors.Span.Slice(example * options.Classes, tile.Examples * options.Classes);
            Classify(_model.Readout, tile, features, readoutErrors, _wave.ReadoutLosses.AsSpan(example), _wave.Mistakes.AsSpan(example));
        }
    }

    private ReadOnlySpan<float> ExtractPatches(BlockTile tile)
    {
        LocalMixerOptions options = _model.Options;
        int image = _pixels.Length / _batch, patches = options.Patches * options.PatchVector;
        for (int n = 0; n < tile.Examples; n++)
        {
            PatchExtraction.Extract(options, _pixels.Span.Slice((tile.FirstExample + n) * image, image), tile.Patches.Span.Slice(n * patches, patches));
        }

        return tile.Patches.Span[..(tile.Examples * patches)];
    }

    // Losses, and their gradients with respect to the logits, of the mean over the batch.
    private void Classify(LinearHead head, BlockTile tile, ReadOnlySpan<float> features, Span<float> errors, Span<float> losses, Span<bool> mistakes)
    {
        Span<float> logits = tile.Logits.Span[..(tile.Examples * head.Classes)];
        head.Logits(_model.Values, features, logits, tile.Examples);
        for (int n = 0; n < tile.Examples; n++)
        {
            Span<float> example = logits.Slice(n * head.Classes, head.Classes);
            int label = _labels.Span[tile.FirstExample + n];
            losses[n] = SoftmaxCrossEntropy.Evaluate(example, label, errors.Slice(n * head.Classes, head.Classes));
            if (!mistakes.IsEmpty)
            {
                mistakes[n] = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(example) != label;
            }
        }

        System.Numerics.Tensors.TensorPrimitives.Multiply(errors, 1f / _batch, errors);
    }

    // One slice of the weight gradients of the current block; the last jobs are its head and the readout.
    private void RunSlice(int job, int worker)
    {
        bool accumulate = _first > 0;
        (int Layer, int Slice)[] slices = _slices[_block.Index];
        if (job >= slices.Length)
        {
            bool readout = job > slices.Length;
            int half = _wave.Workspace.Length / 2;
            (readout ? _model.Readout : _block.Head).AccumulateGradient(
                (readout ? _wave.ReadoutFeatures : _wave.Features).Span,
                (readout ? _wave.ReadoutErrors : _wave.Errors).Span,
                _examples,
                accumulate,
                Gradients,
                _wave.Workspace.Span.Slice(readout ? half : 0, half));
            return;
        }

        (int l, int slice) = slices[job];
        MixerLayer layer = _block.Layers[l];
        int rows = _examples * _model.Options.Patches;
        layer.Map.AccumulateGradient(slice, _wave.Inputs[l].Span[..(rows * layer.Map.Inputs)], _wave.PackedGradients[l].Span, rows, _wave.Capacity, accumulate, Gradients[layer.Weight], Gradients[layer.Bias]);
    }
}
