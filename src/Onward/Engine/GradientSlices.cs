using Onward.Kernels;
using Onward.Layers;
using Onward.Models;

namespace Onward.Engine;

/// <summary>Updates some consecutive numbers of a parameter, on the thread that computed their gradients.</summary>
internal delegate void SliceUpdater(Parameter parameter, int start, int length, int worker);

/// <summary>
/// Computes the weight gradients of a wave, in slices that threads share. In the last wave of a batch, a slice of the
/// parameters can be updated at once, while the slice of the gradient is in the cache.
/// </summary>
/// <remarks>
/// The step reads the slice's weights no more: all tiles have passed through the layer, and errors go back through matrices
/// that were packed before. So each slice is also packed for the next step at once.
/// </remarks>
internal sealed class GradientSlices
{
    private readonly StepPlan _plan;
    private readonly Network _model;
    private readonly Wave _wave;
    private readonly ParameterVector _gradients;
    private readonly Memory<float>[] _workspace;

    private Action<int, int> _compute;
    private Action<int, int> _update;
    private Action<int, int> _pack;

    // The stage under way.
    private (int Block, int Layer, int Slice)[] _slices = [];
    private int _examples;
    private bool _accumulate;
    private SliceUpdater? _updater;

    internal GradientSlices(StepPlan plan, Wave wave, ParameterVector gradients)
    {
        (_plan, _model, _wave, _gradients) = (plan, plan.Model, wave, gradients);
        int workspace = _model.Blocks.Max(
            block => block.Layers.Max(layer => layer.Map.GradientWorkspaceLength(checked(wave.Examples * layer.Positions))));
        _workspace = [.. Enumerable.Range(0, plan.Team.Count).Select(_ => AlignedMemory.Allocate(workspace))];
        (_compute, _update, _pack) = (Compute, Update, Pack);
    }

    internal long Bytes => sizeof(float) * _workspace.Sum(room => (long)room.Length);

    /// <summary>Workspace of a thread, for a product.</summary>
    internal Span<float> Workspace(int worker) => _workspace[worker].Span;

    /// <summary>Measures the phases from now on, or stops measuring if there is no profile.</summary>
    internal void Measure(StepProfile? profile)
    {
        _compute = profile?.Around(StepPhase.WeightGradients, Compute, GradientWork) ?? Compute;
        _update = profile?.Around(StepPhase.Update, Update, job => new PhaseWork(0, 5 * BytesOf(job))) ?? Update;
        _pack = profile?.Around(StepPhase.PackWeights, Pack, job => new PhaseWork(0, _slices[job].Layer < 0 ? 0 : 2 * BytesOf(job)))
            ?? Pack;
    }

    /// <summary>Begins a stage of a wave.</summary>
    /// <param name="slices">The slices (<see cref="StagePlan.Slices"/>).</param>
    /// <param name="examples">Examples in the wave.</param>
    /// <param name="accumulate">True to add to the gradients of earlier waves.</param>
    /// <param name="updater">Updates parameters whose gradients are final; null before the last wave, or if the step updates none.</param>
    internal void Begin((int Block, int Layer, int Slice)[] slices, int examples, bool accumulate, SliceUpdater? updater) =>
        (_slices, _examples, _accumulate, _updater) = (slices, examples, accumulate, updater);

    /// <summary>Computes a slice of the gradients and, if there is an updater, updates and packs the slice of the weights.</summary>
    /// <param name="job">The place of the slice in the stage.</param>
    /// <param name="worker">The thread.</param>
    internal void Run(int job, int worker)
    {
        _compute(job, worker);
        if (_updater is not null)
        {
            _update(job, worker);
            _pack(job, worker);
        }
    }

    /// <summary>
    /// Updates and packs the heads that no slice belongs to, because the rule does not train them: their gradients are 0, but
    /// their weights may decay.
    /// </summary>
    internal void UpdateUntrainedHeads(SliceUpdater updater)
    {
        for (int i = 0; i < _model.Heads.Count; i++)
        {
            LinearHead head = _model.Heads[i];
            if (head != _model.FinalHead && !(_plan.TrainsHeads && head != _model.Readout))
            {
                Update(head, updater, worker: 0);
                head.Pack(_model.Values);
            }
        }
    }

    private void Compute(int job, int worker)
    {
        (int k, int l, int slice) = _slices[job];
        if (l < 0)
        {
            ComputeHead(k);
            return;
        }

        NetworkLayer layer = _model.Blocks[k].Layers[l];
        WaveBlock memory = _wave.Blocks[k];
        int rows = _examples * layer.Positions;
        WeightSlice part = layer.Map.WeightOf(slice);
        layer.Map.AccumulateGradient(
            slice,
            new(
                memory.Inputs[l].Span[..(_examples * layer.InputPositions * layer.Map.Inputs)],
                memory.PackedGradients[l].Span,
                rows,
                _wave.Examples * layer.Positions),
            new(_gradients[layer.Weight], _gradients[layer.Bias], _accumulate),
            _workspace[worker].Span,
            _updater is not null && part.Pieces == 1 ? _model.Values.Read(layer.Weight).Slice(part.Start, part.Length) : []);
    }

    private void ComputeHead(int k)
    {
        bool final = k == _model.Blocks.Count;
        HeadOf(k).AccumulateGradient(
            (final ? _wave.FinalFeatures : _wave.Blocks[k].Features).Span,
            (final ? _wave.FinalErrors : _wave.Blocks[k].Errors).Span,
            _examples * _model.HeadRows,
            _accumulate,
            _gradients,
            _wave.Workspace.Span.Slice(k * _wave.HeadWorkspaceLength, _wave.HeadWorkspaceLength));
    }

    private void Update(int job, int worker)
    {
        (int k, int l, int slice) = _slices[job];
        if (l < 0)
        {
            Update(HeadOf(k), _updater!, worker);
            return;
        }

        NetworkLayer layer = _model.Blocks[k].Layers[l];
        WeightSlice part = layer.Map.WeightOf(slice);
        for (int piece = 0; piece < part.Pieces; piece++)
        {
            _updater!(layer.Weight, part.Start + (piece * part.Stride), part.Length, worker);
        }

        (int start, int length) = layer.Map.BiasOf(slice).GetOffsetAndLength(layer.Bias.Length);
        if (length > 0)
        {
            _updater!(layer.Bias, start, length, worker);
        }
    }

    private static void Update(LinearHead head, SliceUpdater updater, int worker)
    {
        updater(head.Weight, 0, head.Weight.Length, worker);
        updater(head.Bias, 0, head.Bias.Length, worker);
    }

    private void Pack(int job, int worker)
    {
        (int k, int l, int slice) = _slices[job];
        if (l < 0)
        {
            HeadOf(k).Pack(_model.Values);
        }
        else
        {
            _model.Blocks[k].Layers[l].Pack(slice, _model.Values);
        }
    }

    // The head after a block or, for the number of blocks, the final one.
    private LinearHead HeadOf(int k) => k == _model.Blocks.Count ? _model.FinalHead : _model.Blocks[k].Head;

    private double BytesOf(int job)
    {
        (int k, int l, int slice) = _slices[job];
        if (l < 0)
        {
            return sizeof(float) * ((double)HeadOf(k).Weight.Length + HeadOf(k).Bias.Length);
        }

        WeightSlice part = _model.Blocks[k].Layers[l].Map.WeightOf(slice);
        return sizeof(float) * (double)part.Length * part.Pieces;
    }

    // Products of heads are not counted.
    private PhaseWork GradientWork(int job)
    {
        (int k, int l, _) = _slices[job];
        if (l < 0)
        {
            return default;
        }

        NetworkLayer layer = _model.Blocks[k].Layers[l];
        int rows = _examples * layer.Positions;
        return new PhaseWork(
            2.0 * rows * layer.Map.MultiplyAddsPerRow / layer.Map.Slices,
            sizeof(float)
                * (((double)_examples * layer.InputPositions * layer.Map.Inputs) + ((double)rows * layer.Map.Outputs)
                    + (2.0 * layer.Weight.Length)) / layer.Map.Slices);
    }
}
