using Onward.Communication;
using Onward.Engine;
using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;

namespace Onward.Training;

/// <summary>Applies an optimiser to parameters of a model, in slices that threads share.</summary>
public sealed class ParameterUpdate
{
    private const int SliceLength = Optimizer.SliceLength;

    private readonly WorkerTeam _team;
    private readonly Optimizer _optimizer;
    private readonly Lars? _lars; // the optimiser, if it takes norms of whole parameters
    private readonly MatrixUpdate? _matrices; // the parameters that the optimiser orthogonalises, if there are any
    private readonly TrainedParameter[] _parameters; // the others
    private readonly (int Parameter, int Start, int Length)[] _slices;
    private readonly (double Values, double Forces)[] _squares;
    private readonly double[] _trust;
    private readonly Action<int, int> _update;
    private readonly Action<int, int> _measure;
    private readonly SliceUpdater _updateSlice;
    private readonly Dictionary<int, int> _places; // the places of parameters in _parameters, by offset
    private ParameterVector _values;
    private ParameterVector _gradients;
    private double _rate;
    private bool _isComplete; // true if the step has updated all parameters in slices

    /// <summary>Creates an update of all parameters, with weight decay for matrices.</summary>
    /// <param name="layout">The layout of the model's parameters.</param>
    /// <param name="optimizer">The optimiser.</param>
    /// <param name="team">The threads that share the work.</param>
    public ParameterUpdate(ParameterLayout layout, Optimizer optimizer, WorkerTeam team)
        : this(layout, [.. layout.Parameters.Select(parameter => new TrainedParameter(parameter, parameter.IsMatrix))], optimizer, team)
    {
    }

    /// <summary>Creates an update of some parameters.</summary>
    /// <param name="layout">The layout of the model's parameters.</param>
    /// <param name="parameters">The parameters to update.</param>
    /// <param name="optimizer">The optimiser.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="velocity">
    /// Memory for velocities, which an update of other parameters may share; null to start with velocities of 0.
    /// </param>
    public ParameterUpdate(
        ParameterLayout layout,
        IReadOnlyList<TrainedParameter> parameters,
        Optimizer optimizer,
        WorkerTeam team,
        ParameterVector? velocity = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        _optimizer = optimizer;
        _lars = optimizer as Lars;
        _team = team;
        _update = Update;
        _measure = Measure;
        _updateSlice = UpdateSlice;
        Velocity = _values = _gradients = velocity ?? new ParameterVector(layout);
        Squares = optimizer.KeepsSquares ? new ParameterVector(layout) : null;
        TrainedParameter[] orthogonal = [.. parameters.Where(trained => optimizer is Muon && trained.Parameter.Matrices is not null)];
        _matrices = orthogonal.Length > 0 ? new MatrixUpdate((Muon)optimizer, orthogonal, team) : null;
        _parameters = [.. parameters.Except(orthogonal)];
        _slices =
        [
            .. _parameters.SelectMany((trained, p) => Enumerable.Range(0, (trained.Parameter.Length + SliceLength - 1) / SliceLength)
                .Select(i => (p, i * SliceLength, Math.Min(SliceLength, trained.Parameter.Length - (i * SliceLength))))),
        ];
        _places = Enumerable.Range(0, _parameters.Length).ToDictionary(p => _parameters[p].Parameter.Offset);
        _squares = new (double, double)[_slices.Length];
        _trust = [.. _parameters.Select(_ => 1.0)];
    }

    /// <summary>The state of the optimiser: the velocity of each number.</summary>
    public ParameterVector Velocity { get; }

    /// <summary>The mean squared gradient of each number; null if the optimiser keeps none.</summary>
    public ParameterVector? Squares { get; }

    /// <summary>Number of updates so far, on which some optimisers depend.</summary>
    public long Steps { get; internal set; }

    /// <summary>Limits the norm of the gradients before each update; null for no limit.</summary>
    internal GradientClipping? Clipping { get; init; }

    private bool UpdatesInSlices => _optimizer.UpdatesInSlices && Clipping is null;

    /// <summary>Creates the update that training options describe.</summary>
    /// <param name="layout">The layout of the model's parameters.</param>
    /// <param name="parameters">The parameters to update.</param>
    /// <param name="options">The options.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="grid">The processes that share the run; null for one process.</param>
    internal static ParameterUpdate Of(
        ParameterLayout layout,
        IReadOnlyList<TrainedParameter> parameters,
        TrainingOptions options,
        WorkerTeam team,
        RankGrid? grid = null) =>
        new(layout, parameters, options.CreateOptimizer(), team)
        {
            Clipping = options.ClipNorm is double limit
                ? new GradientClipping(limit, layout, parameters, team, (grid ?? RankGrid.OneProcess).Chain)
                : null,
        };

    /// <summary>Updates the values.</summary>
    /// <param name="values">The parameters' values.</param>
    /// <param name="gradients">Their gradients.</param>
    /// <param name="rate">The learning rate.</param>
    public void Apply(ParameterVector values, ParameterVector gradients, double rate)
    {
        ArgumentNullException.ThrowIfNull(values);
        (_values, _gradients, _rate, _isComplete) = (values, gradients, rate, false);
        Complete();
    }

    /// <summary>Runs a step and updates the parameters of its network.</summary>
    /// <remarks>
    /// The result has the same bits as <see cref="TrainingStep.Run(ReadOnlyMemory{float}, ReadOnlyMemory{int}, uint)"/> followed
    /// by <see cref="Apply"/>. If rule and optimiser allow it, each slice of the parameters is updated as soon as its gradient is
    /// computed, while both are in the cache. That takes one process, and an optimiser that needs no norm of a whole parameter
    /// (SGD or AdamW, not LARS or Muon).
    /// </remarks>
    /// <param name="step">The step.</param>
    /// <param name="pixels">Standardised images.</param>
    /// <param name="labels">Their classes.</param>
    /// <param name="number">The step's number, which selects its noise.</param>
    /// <param name="rate">The learning rate.</param>
    /// <returns>The losses of the step, before the update; overwritten by the next step.</returns>
    /// <exception cref="ArgumentException">The batch is empty, or images and labels do not match.</exception>
    public StepResult Step(TrainingStep step, ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint number, double rate)
    {
        ArgumentNullException.ThrowIfNull(step);
        StepResult result = Begin(step, pixels, labels, number, labels.Length / (step.Views * step.Network.HeadRows), rate);
        Complete(step.Profile);
        return result;
    }

    /// <summary>Runs a step, and updates the parameters if that can be done in slices.</summary>
    /// <param name="step">The step.</param>
    /// <param name="pixels">The images of this process's share.</param>
    /// <param name="labels">Their classes.</param>
    /// <param name="number">The step's number.</param>
    /// <param name="images">Images in the whole batch.</param>
    /// <param name="rate">The learning rate.</param>
    internal StepResult Begin(
        TrainingStep step, ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint number, int images, double rate)
    {
        bool inSlices = step.AllowsUpdateInSlices && UpdatesInSlices;
        Steps += inSlices ? 1 : 0;
        (_values, _gradients, _rate, _isComplete) = (step.Network.Values, step.Gradients, rate, inSlices);
        return step.Run(pixels, labels, number, images, inSlices ? _updateSlice : null);
    }

    /// <summary>Updates the parameters, unless the step has done so.</summary>
    /// <param name="profile">Collects the time of the update; null to collect nothing.</param>
    internal void Complete(StepProfile? profile = null)
    {
        if (_isComplete)
        {
            return;
        }

        Steps++;
        Clipping?.Apply(_gradients);
        if (_lars is not null)
        {
            _team.Run(_slices.Length, _measure);
            SetTrust();
        }

        // Values, gradients and velocities are read; values and velocities are written.
        _team.Run(
            _slices.Length,
            profile?.Around(StepPhase.Update, _update, job => new PhaseWork(0, 5.0 * sizeof(float) * _slices[job].Length)) ?? _update);
        _matrices?.Run(_values, _gradients, Velocity, _rate);
        _values.MarkChanged();
    }

    // The step also offers parameters that this update leaves as they are.
    private void UpdateSlice(Parameter parameter, int start, int length, int worker)
    {
        if (_places.TryGetValue(parameter.Offset, out int p))
        {
            Update(p, start, length);
        }
    }

    private void Update(int job, int worker)
    {
        (int p, int start, int length) = _slices[job];
        Update(p, start, length);
    }

    private void Update(int p, int start, int length)
    {
        (Parameter parameter, bool decays, double scale) = _parameters[p];
        _optimizer.Update(
            new(
                _values.Update(parameter).Slice(start, length),
                _gradients.Read(parameter).Slice(start, length),
                Velocity.Update(parameter).Slice(start, length),
                Squares is null ? [] : Squares.Update(parameter).Slice(start, length),
                Steps),
            _rate * scale * _trust[p],
            decays);
    }

    private void Measure(int job, int worker)
    {
        (int p, int start, int length) = _slices[job];
        (Parameter parameter, bool decays, _) = _parameters[p];
        _squares[job] = _lars!.Squares(
            _values.Read(parameter).Slice(start, length), _gradients.Read(parameter).Slice(start, length), decays);
    }

    // Slice by slice in order, so that sums do not depend on threads.
    private void SetTrust()
    {
        for (int job = 0; job < _slices.Length;)
        {
            int p = _slices[job].Parameter;
            double values = 0, forces = 0;
            for (; job < _slices.Length && _slices[job].Parameter == p; job++)
            {
                values += _squares[job].Values;
                forces += _squares[job].Forces;
            }

            _trust[p] = Lars.Trust(Math.Sqrt(values), Math.Sqrt(forces));
        }
    }
}
