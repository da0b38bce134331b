using Onward.Models;

namespace Onward.Engine;

/// <summary>
/// Runs a learning rule over a batch in constant memory. The batch is cut into waves and a wave into tiles. A tile goes
/// through value, loss and the rule's output gradients on one thread: of one block, if blocks learn apart, else of all.
/// Then the wave's weight gradients are taken in slices.
/// </summary>
/// <remarks>
/// Each number of a weight gradient is one chain of multiply-adds over the rows of the batch in order, and each row's
/// arithmetic is its own. So neither threads, nor tiles, nor waves change a single bit of the result.
/// </remarks>
internal sealed class TileEngine
{
    // Rows that share one pass over a block's weights.
    private const int TileRows = 64;
    private const int SmallestTileRows = 16;

    private readonly StepPlan _plan;
    private readonly LearningRule _rule;
    private readonly LocalMixer _model;
    private readonly Wave _wave;
    private readonly BlockTile[][] _tiles;
    private readonly GradientSlices _slices;
    private readonly int _tileExamples;
    private readonly Action<int, int> _runTile;
    private readonly Action<int, int> _runSlice;
    private readonly BlockWork[] _work;
    private readonly StepResult _result;
    private readonly LossReader _losses;
    private readonly Action<int, int> _gatherTile;
    private readonly Action<int, int> _compare;

    private readonly GradientSums _sums;

    private StagePlan _stages;
    private StageLink? _link;
    private Memory<float> _arrived;
    private ReadOnlyMemory<float> _pixels;
    private ReadOnlyMemory<int> _labels;
    private int _batch; // examples of this process's share
    private int _firstImage;
    private int _first;
    private int _examples;
    private int _perTile;
    private uint _step;
    private int _stage;
    private SliceLearner? _learns;

    /// <summary>Allocates all memory that steps of this rule will use.</summary>
    /// <param name="plan">How the steps run.</param>
    /// <param name="rule">Fills the output gradients of the layers.</param>
    internal TileEngine(StepPlan plan, LearningRule rule)
    {
        (_plan, _rule) = (plan, rule);
        _model = plan.Model;
        _wave = new Wave(_model, plan.Team.Count, plan.Locality);
        _tileExamples = Math.Clamp(TileRows / _model.Options.Patches, 1, _wave.Examples);
        _tiles = [.. Enumerable.Range(0, plan.Team.Count).Select(CreateTiles)];
        _runTile = RunTile;
        _runSlice = RunSlice;
        _stages = new StagePlan(plan);
        _work = [.. _model.Blocks.Select(BlockWork.Of)];
        _result = new StepResult(_model.Blocks.Count);
        Gradients = new ParameterVector(_model.Values.Layout);
        _slices = new GradientSlices(plan, _wave, Gradients);
        _sums = new GradientSums(plan, Gradients);
        _losses = new LossReader(plan, _wave);
        _gatherTile = GatherTile;
        _compare = (job, worker) => _losses.Compare(job);
    }

    /// <summary>The gradients of the last step.</summary>
    internal ParameterVector Gradients { get; }

    /// <summary>Bytes of activations and output gradients that a step works in.</summary>
    internal long ActivationBytes =>
        _slices.Bytes + (sizeof(float) * (_wave.Length + _tiles.Sum(tiles => tiles.Distinct().Sum(tile => tile.Length))))
        + _losses.Bytes + (sizeof(float) * (_link?.Length ?? 0));

    /// <summary>Examples in a wave.</summary>
    internal int WaveExamples => _wave.Examples;

    /// <summary>The tiles that each thread works on, one for each block; the same for all blocks that share memory.</summary>
    internal IReadOnlyList<IReadOnlyList<BlockTile>> Tiles => _tiles;

    /// <summary>Follows the rule's grid of processes.</summary>
    internal void Distribute()
    {
        _stages = new StagePlan(_plan);
        _link = _plan.Grid.Stages > 1 ? new StageLink(_plan.Grid.Chain, _wave) : null;
    }

    /// <summary>
    /// Computes the gradients of one batch of so many images, or of this process's share of it (<see
    /// cref="LearningRule.Step(ReadOnlyMemory{float}, ReadOnlyMemory{int}, uint, int, SliceLearner, bool)"/>).
    /// </summary>
    internal StepResult Step(
        ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step, int images, SliceLearner? learns, bool isPacked)
    {
        _learns = learns;
        (_firstImage, int share) = _plan.Grid.Share.Of(images);
        _batch = share * _plan.Views;
        if (_link is not null)
        {
            int sweeps = _losses.Comparisons > 0 ? 2 : 1;
            labels = _link.Begin(labels, _batch, sweeps);
        }

        int image = _stages.First > 0 ? 0 : _model.Options.ImageSide * _model.Options.ImageSide * _model.Options.ImageChannels;
        if (labels.IsEmpty || pixels.Length != checked(labels.Length * image))
        {
            throw new ArgumentException(
                $"A batch of {labels.Length} images of {image} numbers has {(long)labels.Length * image} numbers, at least one image; got {pixels.Length}.");
        }

        if (_model.Options.IsSelfSupervised && labels.Length % 2 != 0)
        {
            throw new ArgumentException(
                $"A batch of two views of each image has an even number of examples; got {labels.Length}.", nameof(labels));
        }

        if (labels.Length != _batch)
        {
            throw new ArgumentException(
                $"This process's share of {images} images makes {_batch} examples; got {labels.Length}.", nameof(labels));
        }

        (_pixels, _labels, _step) = (pixels, labels, step);
        Array.Clear(_result.BlockLosses);
        _result.ReadoutLoss = 0;
        _result.Mistakes = 0;
        long since = StepProfile.Begin(_plan.Profile);
        if (isPacked)
        {
            _model.PackHeads(_plan.OwnBlocks);
            _plan.Profile?.Add(StepPhase.PackWeights, 0, since, 0, 0);
        }
        else
        {
            _model.Pack(_plan.Team, _plan.OwnBlocks);
            for (int worker = 0; worker < _plan.Team.Count; worker++)
            {
                _plan.Profile?.Add(StepPhase.PackWeights, worker, since, 0, 2.0 * _work.Sum(work => work.WeightBytes) / _plan.Team.Count);
            }
        }

        CompareExamples(images);
        for (_first = 0; _first < _batch; _first += _wave.Examples)
        {
            BeginWave();
            for (_stage = 0; _stage < _stages.Stages; _stage++)
            {
                _plan.Team.Run((_examples + _perTile - 1) / _perTile, _runTile);
                PassOn(isFirst: _stage == 0, isLast: _stage == _stages.Stages - 1);
                _plan.Team.Run(_stages.Slices[_stage].Length + FitsInStage(), _runSlice);
                BeginSums();
                if (_plan.Locality == Locality.Block)
                {
                    AddLosses(_stages.First + _stage);
                }
            }

            for (int k = 0; _plan.Locality != Locality.Block && k < _model.Blocks.Count; k++)
            {
                AddLosses(k);
            }

            if (_stages.HasFinalHead)
            {
                _result.ReadoutLoss = Sum(_result.ReadoutLoss, _wave.FinalLosses);
                _result.Mistakes += _wave.Mistakes.AsSpan(0, _examples).Count(true);
            }
        }

        for (int k = 0; k < _result.BlockLosses.Length; k++)
        {
            _result.BlockLosses[k] /= images * _plan.Views;
        }

        _result.ReadoutLoss /= images * _plan.Views;
        _sums.Wait();
        return _result;
    }

    // The first of this process's blocks has read the activations that came; those of the last one are ready to go.
    private void PassOn(bool isFirst, bool isLast)
    {
        if (isFirst)
        {
            _link?.Release();
        }

        if (isLast)
        {
            _link?.Send(_wave.Blocks[_stages.End - 1].Result[..(_examples * _wave.OutputLength)]);
        }
    }

    // A block's gradients are final when it has learnt from the last wave.
    private void BeginSums()
    {
        if (_plan.Grid.Share.Count == 1 || !IsLastWave)
        {
            return;
        }

        foreach (int k in _stages.Learning(_stage))
        {
            _sums.Begin(k);
        }

        if (_stage == _stages.Stages - 1 && _stages.HasFinalHead)
        {
            _sums.BeginFinalHead();
        }
    }

    // On the thread that takes steps, between its jobs: what is under way between processes may need it to proceed.
    private void Poll(int worker)
    {
        if (worker == 0 && _plan.Grid.World.Count > 1)
        {
            _link?.Poll();
            _sums.Poll();
        }
    }

    // Where losses compare examples, values go through the whole batch before anything is learnt from it.
    private void CompareExamples(int images)
    {
        _losses.Begin(_labels, images);
        if (_losses.Comparisons == 0)
        {
            return;
        }

        for (_first = 0; _first < _batch; _first += _wave.Examples)
        {
            BeginWave();
            _plan.Team.Run((_examples + _perTile - 1) / _perTile, _gatherTile);
            PassOn(isFirst: true, isLast: true);
        }

        _losses.Exchange();
        _plan.Team.Run(_losses.Comparisons, _compare);
    }

    private void BeginWave()
    {
        _examples = Math.Min(_wave.Examples, _batch - _first);
        _losses.FirstOfWave = _first;
        _arrived = _link?.Take() ?? default;

        // Two tiles a thread where examples are small, so that a thread held up does not hold up the rest, but no tile
        // so small that the pass over the weights is wasted on it.
        int share = (_examples + (2 * _plan.Team.Count) - 1) / (2 * _plan.Team.Count);
        _perTile = Math.Clamp(share, Math.Max(1, SmallestTileRows / _model.Options.Patches), _tileExamples);
    }

    private void AddLosses(int block) => _result.BlockLosses[block] = Sum(_result.BlockLosses[block], _wave.Blocks[block].Losses);

    // Example by example, so that sums do not depend on where a wave ends.
    private double Sum(double sum, float[] losses)
    {
        foreach (float loss in losses.AsSpan(0, _examples))
        {
            sum += loss;
        }

        return sum;
    }

    private void RunTile(int job, int worker)
    {
        BlockTile[] tiles = _tiles[worker];
        (int first, int end) = _stages.BlocksOf(_stage);
        if (_plan.Locality == Locality.NetworkRecomputed && _stage == 0)
        {
            for (int k = 0; k < _model.Blocks.Count - 1; k++)
            {
                Forward(tiles[k], k, job * _perTile, learns: false);
            }

            return;
        }

        for (int k = first; k < end; k++)
        {
            Forward(tiles[k], k, job * _perTile, learns: true);
        }

        long since = StepProfile.Begin(_plan.Profile);
        for (int k = first; k < end; k++)
        {
            _losses.ReadHead(tiles[k]);
        }

        if (end == _model.Blocks.Count)
        {
            _losses.ReadFinalHead(tiles[^1]);
        }

        since = _plan.Profile?.Add(StepPhase.Losses, worker, since, 0, 0) ?? 0;
        _rule.Differentiate(tiles.AsSpan(first, end - first));
        for (int k = first; k < end; k++)
        {
            for (int l = 0; _plan.LeavesOutputGradients && l < tiles[k].Block.Layers.Count; l++)
            {
                tiles[k].PackGradient(l);
            }

            since = _plan.Profile?.Add(
                StepPhase.Differentiation, worker, since, 0, _work[k].WeightBytes + (tiles[k].Rows * _work[k].RowBytes))
                ?? 0;
        }

        Poll(worker);
    }

    // Values of one tile in all blocks, and what its examples are compared by.
    private void GatherTile(int job, int worker)
    {
        for (int k = _stages.First; k < _stages.End; k++)
        {
            Forward(_tiles[worker][k], k, job * _perTile, learns: false);
            _losses.Gather(_tiles[worker][k]);
        }

        Poll(worker);
    }

    // Values of one tile in one block. Only where the block learns from them, the wave keeps the inputs of its layers: tiles
    // that are in different blocks at the same time would write over one another's there.
    private void Forward(BlockTile tile, int k, int example, bool learns)
    {
        long since = StepProfile.Begin(_plan.Profile);
        WaveBlock memory = _wave.Blocks[k];
        MixerBlock block = tile.Block = _model.Blocks[k];
        tile.Examples = Math.Min(_perTile, _examples - example);
        tile.Rows = tile.Examples * block.Patches;
        tile.FirstExample = _first + example;
        tile.Step = _step;
        tile.Images = _batch / _plan.Views;
        tile.FirstImage = _firstImage;
        int row = example * block.Patches;
        tile.Enter(memory.PackedGradients, row, _wave.Examples * block.Patches, _plan.Profile);
        for (int l = 0; l < block.Layers.Count; l++)
        {
            int inputs = block.Layers[l].Map.Inputs;
            tile.Inputs[l] = learns
                ? memory.Inputs[l].Slice(row * inputs, tile.Rows * inputs)
                : tile.PassingInputs[l][..(tile.Rows * inputs)];
        }

        int output = example * _wave.OutputLength;
        tile.Result = memory.Result.Slice(output, tile.Rows * block.Channels);
        Memory<float> before = k == 0 ? default : k == _stages.First ? _arrived : _wave.Blocks[k - 1].Result;
        tile.Previous = k == 0 ? default : before.Slice(output, tile.Examples * _model.Blocks[k - 1].Patches * block.Inputs);
        tile.Source = k == 0 ? ExtractPatches(tile) : block.Narrow(tile.Previous, tile.Narrowed, tile.Rows);
        tile.OutputGradient = _wave.OutputGradient.IsEmpty
            ? default
            : _wave.OutputGradient.Slice(output, tile.Examples * _wave.OutputLength);
        block.Forward(_model.Values, tile.Source.Span, tile.Inputs, tile.Result.Span, tile.Activations, tile.Rows);
        _plan.Profile?.Add(
            StepPhase.Values, tile.Worker, since, tile.Rows * _work[k].RowFlops, _work[k].WeightBytes + (tile.Rows * _work[k].RowBytes));
    }

    private ReadOnlyMemory<float> ExtractPatches(BlockTile tile)
    {
        LocalMixerOptions options = _model.Options;
        int image = _pixels.Length / _batch, patches = options.Patches * options.PatchVector;
        if (options.Patches == 1)
        {
            return _pixels.Slice(tile.FirstExample * image, tile.Examples * image);
        }

        for (int n = 0; n < tile.Examples; n++)
        {
            PatchExtraction.Extract(
                options, _pixels.Span.Slice((tile.FirstExample + n) * image, image), tile.Patches.Span.Slice(n * patches, patches));
        }

        return tile.Patches[..(tile.Examples * patches)];
    }

    private void RunSlice(int job, int worker)
    {
        int fit = job - _stages.Slices[_stage].Length;
        if (fit >= 0)
        {
            TakeFit(fit, worker);
            return;
        }

        (int k, int l, int slice) = _stages.Slices[_stage][job];
        SliceLearner? learns = IsLastWave ? _learns : null;
        if (l >= 0)
        {
            _slices.Take(k, l, slice, worker, _examples, accumulate: _first > 0, learns);
        }
        else
        {
            _slices.TakeHead(k, worker, _examples, accumulate: _first > 0, learns);
        }
    }

    private int FitsInStage()
    {
        int fits = 0;
        (int first, int end) = _stages.BlocksOf(_stage);
        for (int k = first; k < end; k++)
        {
            fits += _rule.FitsOf(k);
        }

        return fits;
    }

    private void TakeFit(int part, int worker)
    {
        int k = _stages.BlocksOf(_stage).First;
        for (; part >= _rule.FitsOf(k); k++)
        {
            part -= _rule.FitsOf(k);
        }

        _rule.TakeFit(k, part, _wave.Blocks[k], worker, _examples, _wave.Examples, accumulate: _first > 0, _slices.Workspace(worker));
    }

    private bool IsLastWave => _first + _examples >= _batch;

    private BlockTile[] CreateTiles(int worker)
    {
        bool passesThrough = _plan.Locality == Locality.NetworkRecomputed || _plan.ComparesExamples;
        if (_plan.Locality == Locality.Network)
        {
            return [.. _model.Blocks.Select(_ => new BlockTile(_model, _tileExamples, worker, passesThrough))];
        }

        BlockTile shared = new(_model, _tileExamples, worker, passesThrough);
        return [.. _model.Blocks.Select(_ => shared)];
    }
}
