using Onward.Models;

namespace Onward.Engine;

/// <summary>
/// Runs a learning rule over a batch in constant memory. The batch is cut into waves and a wave into tiles. A tile goes
/// through values, losses and the rule's output gradients on one thread: in one block, if each block learns from its own loss,
/// else in all blocks. Then the wave's weight gradients are computed in slices.
/// </summary>
/// <remarks>
/// Each number of a weight gradient is one chain of multiply-adds over the rows of the batch in order, and the arithmetic of a
/// row depends on no other row. So threads, tiles and waves do not change a single bit of the result.
/// </remarks>
internal sealed class TileEngine
{
    private readonly StepPlan _plan;
    private readonly Network _model;
    private readonly Wave _wave;
    private readonly TileJobs _tiles;
    private readonly GradientSlices _slices;
    private readonly GradientSums _sums;
    private readonly LossReader _losses;
    private readonly StepResult _result;
    private readonly Action<int, int> _runTile;
    private readonly Action<int, int> _runSlice;
    private readonly Action<int, int> _gatherTile;
    private readonly Action<int, int> _compare;
    private readonly double _weightBytes;
    private readonly StageLink? _link;

    private Func<double> _packWeights;
    private int _batch; // examples of this process's share
    private SliceUpdater? _update;

    /// <summary>Allocates all memory that steps of this rule will use.</summary>
    /// <param name="plan">The plan of the steps.</param>
    /// <param name="rule">Computes the output gradients of the layers, by the learning rule.</param>
    internal TileEngine(StepPlan plan, TilePart rule)
    {
        (_plan, _model) = (plan, plan.Model);
        _wave = new Wave(_model, plan.Team.Count, plan.Locality);
        _link = plan.Grid.Stages > 1 ? new StageLink(plan.Grid.Chain, _wave) : null;
        _losses = new LossReader(plan, _wave);
        _tiles = new TileJobs(plan, rule, _wave, _losses);
        _result = new StepResult(_model.Blocks.Count);
        Gradients = new ParameterVector(_model.Values.Layout);
        _slices = new GradientSlices(plan, _wave, Gradients);
        _sums = new GradientSums(plan, Gradients);
        _runTile = RunTile;
        _runSlice = RunSlice;
        _gatherTile = GatherTile;
        _compare = (job, worker) => _losses.Compare(job);
        _weightBytes = _model.Blocks.Sum(block => BlockWork.Of(block).WeightBytes);
        _packWeights = PackWeights;
    }

    /// <summary>The gradients of the last step.</summary>
    internal ParameterVector Gradients { get; }

    /// <summary>Bytes of activations and output gradients that a step works in.</summary>
    internal long ActivationBytes =>
        _slices.Bytes + (sizeof(float) * (_wave.Length + _tiles.Length)) + _losses.Bytes + (sizeof(float) * (_link?.Length ?? 0));

    /// <summary>Examples that a wave can hold.</summary>
    internal int WaveExamples => _wave.Examples;

    /// <summary>The tiles that each thread works on, one for each block. Blocks that share memory share one tile.</summary>
    internal IReadOnlyList<IReadOnlyList<BlockTile>> Tiles => _tiles.Tiles;

    /// <summary>Collects the time of the steps from now on; null to measure nothing.</summary>
    internal StepProfile? Profile
    {
        get;
        set
        {
            field = value;
            _tiles.Measure(value);
            _slices.Measure(value);
            _packWeights = value?.Around(StepPhase.PackWeights, PackWeights) ?? PackWeights;
        }
    }

    /// <summary>Matrices that the rule fits to the waves; null if it fits nothing.</summary>
    internal WaveFit? Fit { get; set; }

    /// <summary>Computes the gradients of one batch, or of this process's share of the batch.</summary>
    /// <param name="pixels">Images of the share.</param>
    /// <param name="labels">Their labels.</param>
    /// <param name="step">The step's number.</param>
    /// <param name="images">Images in the whole batch.</param>
    /// <param name="update">Updates each slice of the parameters when its gradients are final; null to update nothing.</param>
    internal StepResult Step(
        ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step, int images, SliceUpdater? update)
    {
        _update = update;
        (int firstImage, int share) = _plan.Grid.Share.Of(images);
        _batch = share * _plan.Views;
        if (_link is not null)
        {
            int sweeps = _losses.Comparisons > 0 ? 2 : 1;
            labels = _link.Begin(labels, _batch * _model.HeadRows, sweeps);
        }

        RequireBatch(pixels, labels, images);
        _tiles.BeginBatch(pixels, _batch, firstImage, step);
        Array.Clear(_result.BlockLosses);
        _result.ReadoutLoss = 0;
        _result.Mistakes = 0;
        _packWeights();
        if (update is not null)
        {
            // From here on, values change. They are packed again when the step is complete, and not if it fails.
            _model.Values.MarkChanged();
        }

        _losses.Begin(labels, images);
        CompareExamples();
        for (int first = 0; first < _batch; first += _wave.Examples)
        {
            RunWave(first);
        }

        for (int k = 0; k < _result.BlockLosses.Length; k++)
        {
            _result.BlockLosses[k] /= images * _plan.Views * _model.HeadRows;
        }

        _result.ReadoutLoss /= images * _plan.Views * _model.HeadRows;
        _sums.Wait();
        if (update is not null)
        {
            _slices.UpdateUntrainedHeads(update);
            _model.MarkPacked();
        }

        return _result;
    }

    private void RequireBatch(ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, int images)
    {
        int image = Stages.First > 0 ? 0 : _model.Input.Length, examples = labels.Length / _model.HeadRows;
        if (labels.Length % _model.HeadRows != 0)
        {
            throw new ArgumentException(
                $"A network that predicts tokens takes {_model.HeadRows} labels for each example; got {labels.Length}.", nameof(labels));
        }

        if (labels.IsEmpty || pixels.Length != checked(examples * image))
        {
            throw new ArgumentException(
                $"A batch of {examples} images of {image} numbers has {(long)examples * image} numbers, "
                + $"at least one image; got {pixels.Length}.");
        }

        if (_model.IsSelfSupervised && labels.Length % 2 != 0)
        {
            throw new ArgumentException(
                $"A batch of two views of each image has an even number of examples; got {labels.Length}.", nameof(labels));
        }

        if (examples != _batch)
        {
            throw new ArgumentException(
                $"This process's share of {images} images makes {_batch} examples; got {examples}.", nameof(labels));
        }
    }

    private StagePlan Stages => _tiles.Stages;

    private double PackWeights() => _model.Pack(_plan.Team, _plan.OwnBlocks) ? 2 * _weightBytes : 0;

    private void RunWave(int first)
    {
        BeginWave(first);
        for (int stage = 0; stage < Stages.Stages; stage++)
        {
            _tiles.Stage = stage;
            _plan.Team.Run(_tiles.Count, _runTile);
            PassOn(isFirst: stage == 0, isLast: stage == Stages.Stages - 1);
            _slices.Begin(Stages.Slices[stage], _tiles.Examples, accumulate: first > 0, _tiles.IsLastWave ? _update : null);
            _plan.Team.Run(Stages.Slices[stage].Length + PartsInStage(), _runSlice);
            BeginSums(stage);
            if (_plan.Locality == Locality.Block)
            {
                AddLosses(Stages.First + stage);
            }
        }

        for (int k = 0; _plan.Locality != Locality.Block && k < _model.Blocks.Count; k++)
        {
            AddLosses(k);
        }

        if (Stages.HasFinalHead)
        {
            _result.ReadoutLoss = Sum(_result.ReadoutLoss, _wave.FinalLosses);
            _result.Mistakes += _wave.Mistakes.AsSpan(0, _tiles.Examples * _model.HeadRows).Count(true);
        }
    }

    private void BeginWave(int first)
    {
        _losses.FirstOfWave = first;
        _tiles.BeginWave(first, _link?.Take() ?? default);
    }

    // The first of this process's blocks has read the activations that came. The activations of the last block are ready to go.
    private void PassOn(bool isFirst, bool isLast)
    {
        if (isFirst)
        {
            _link?.Release();
        }

        if (isLast)
        {
            _link?.Send(_wave.Blocks[Stages.End - 1].Result[..(_tiles.Examples * _wave.OutputLength)]);
        }
    }

    // The gradients of a block are final after the last wave.
    private void BeginSums(int stage)
    {
        if (_plan.Grid.Share.Count == 1 || !_tiles.IsLastWave)
        {
            return;
        }

        foreach (int k in Stages.Learning(stage))
        {
            _sums.Begin(k);
        }

        if (stage == Stages.Stages - 1 && Stages.HasFinalHead)
        {
            _sums.BeginFinalHead();
        }
    }

    // The thread that takes steps calls this between its jobs, because transfers between processes may need it to proceed.
    private void Poll(int worker)
    {
        if (worker == 0 && _plan.Grid.World.Count > 1)
        {
            _link?.Poll();
            _sums.Poll();
        }
    }

    // If losses compare examples, the values of the whole batch are computed before anything is learnt from it.
    private void CompareExamples()
    {
        if (_losses.Comparisons == 0)
        {
            return;
        }

        for (int first = 0; first < _batch; first += _wave.Examples)
        {
            BeginWave(first);
            _plan.Team.Run(_tiles.Count, _gatherTile);
            PassOn(isFirst: true, isLast: true);
        }

        _losses.Exchange();
        _plan.Team.Run(_losses.Comparisons, _compare);
    }

    private void AddLosses(int block) => _result.BlockLosses[block] = Sum(_result.BlockLosses[block], _wave.Blocks[block].Losses);

    // Example by example, so that sums do not depend on where a wave ends.
    private double Sum(double sum, float[] losses)
    {
        foreach (float loss in losses.AsSpan(0, _tiles.Examples * _model.HeadRows))
        {
            sum += loss;
        }

        return sum;
    }

    private void RunTile(int job, int worker)
    {
        _tiles.Run(job, worker);
        Poll(worker);
    }

    private void GatherTile(int job, int worker)
    {
        _tiles.Gather(job, worker);
        Poll(worker);
    }

    private void RunSlice(int job, int worker)
    {
        int slices = Stages.Slices[_tiles.Stage].Length;
        if (job < slices)
        {
            _slices.Run(job, worker);
        }
        else
        {
            TakePart(job - slices, worker);
        }
    }

    // The parts of the rule's fit.
    private int PartsInStage()
    {
        int parts = 0;
        (int first, int end) = Stages.BlocksOf(_tiles.Stage);
        for (int k = first; Fit is not null && k < end; k++)
        {
            parts += Fit.PartsOf(k);
        }

        return parts;
    }

    private void TakePart(int part, int worker)
    {
        int k = Stages.BlocksOf(_tiles.Stage).First;
        for (; part >= Fit!.PartsOf(k); k++)
        {
            part -= Fit.PartsOf(k);
        }

        Fit.Take(
            k, part, _wave.Blocks[k], worker, _tiles.Examples, _wave.Examples, accumulate: _tiles.First > 0, _slices.Workspace(worker));
    }
}
