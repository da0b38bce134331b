using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;

namespace Onward.Training;

/// <summary>Applies an optimiser to parameters of a model, shared out among threads in slices.</summary>
public sealed class ParameterUpdate
{
    private const int SliceLength = 16 * 1024;

    private readonly WorkerTeam _team;
    private readonly Optimizer _optimizer;
    private readonly TrainedParameter[] _parameters;
    private readonly (int Parameter, int Start, int Length)[] _slices;
    private readonly (double Values, double Forces)[] _squares;
    private readonly double[] _trust;
    private readonly Action<int, int> _update;
    private readonly Action<int, int> _measure;
    private readonly SliceLearner _learn;
    private readonly Dictionary<int, int> _places; // of parameters, by their offset
    private readonly bool[] _learnt; // of each parameter, whether this step has updated it
    private StepProfile? _profile;
    private LearningRule? _packed; // whose layers are packed as the last step left them
    private ParameterVector _values;
    private ParameterVector _gradients;
    private double _rate;

    /// <summary>Updates all parameters, and decays the matrices among them.</summary>
    /// <param name="layout">The parameters.</param>
    /// <param name="optimizer">The rule of the update.</param>
    /// <param name="team">The threads that share the work.</param>
    public ParameterUpdate(ParameterLayout layout, Optimizer optimizer, WorkerTeam team)
        : this(layout, [.. layout.Parameters.Select(parameter => new TrainedParameter(parameter, parameter.IsMatrix))], optimizer, team)
    {
    }

    /// <summary>Updates some of the parameters.</summary>
    /// <param name="layout">The parameters.</param>
    /// <param name="parameters">Those to update.</param>
    /// <param name="optimizer">The rule of the update.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="velocity">
    /// Where velocities are kept, which an update of other parameters may share; null to start with all at 0.
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
        _team = team;
        _update = Update;
        _measure = Measure;
        _learn = Learn;
        Velocity = _values = _gradients = velocity ?? new ParameterVector(layout);
        _parameters = [.. parameters];
        _slices =
        [
            .. _parameters.SelectMany((trained, p) => Enumerable.Range(0, (trained.Parameter.Length + SliceLength - 1) / SliceLength)
                .Select(i => (p, i * SliceLength, Math.Min(SliceLength, trained.Parameter.Length - (i * SliceLength))))),
        ];
        _places = Enumerable.Range(0, _parameters.Length).ToDictionary(p => _parameters[p].Parameter.Offset);
        _learnt = new bool[_parameters.Length];
        _squares = new (double, double)[_slices.Length];
        _trust = [.. _parameters.Select(_ => 1.0)];
    }

    /// <summary>The optimiser's state.</summary>
    public ParameterVector Velocity { get; }

    /// <summary>Updates the values.</summary>
    /// <param name="values">The parameters' values.</param>
    /// <param name="gradients">Their gradients.</param>
    /// <param name="rate">The learning rate.</param>
    public void Apply(ParameterVector values, ParameterVector gradients, double rate)
    {
        (_values, _gradients, _rate, _profile, _packed) = (values, gradients, rate, null, null);
        Array.Clear(_learnt);
        Complete();
    }

    /// <summary>
    /// Takes one step of a rule and updates the parameters of its model, to the same numbers as
    /// <see cref="LearningRule.Step(ReadOnlyMemory{float}, ReadOnlyMemory{int}, uint)"/>
    /// and <see cref="Apply"/> would: but, where rule and optimiser allow it, each slice as soon as its gradient is there, while both are
    /// in the cache.
    /// </summary>
    /// <param name="rule">The rule.</param>
    /// <param name="pixels">Standardised images.</param>
    /// <param name="labels">Their classes.</param>
    /// <param name="step">The step's number, which names its noise.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="unchanged">
    /// Whether parameters are as the last step of this update left them: those that were packed then need not be packed again.
    /// </param>
    /// <returns>What the step measured, before the update; overwritten by the next step.</returns>
    /// <exception cref="ArgumentException">The batch is empty, or images and labels do not match.</exception>
    public StepResult Step(
        LearningRule rule, ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step, double rate, bool unchanged = false)
    {
        ArgumentNullException.ThrowIfNull(rule);
        StepResult result = Begin(rule, pixels, labels, step, labels.Length / rule.Views, rate, inSlices: true, unchanged);
        Complete();
        return result;
    }

    /// <summary>The first half of it: the step, and what can be updated with it.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="pixels">The images of this process's share.</param>
    /// <param name="labels">Their classes.</param>
    /// <param name="step">The step's number.</param>
    /// <param name="images">Images in the whole batch.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="inSlices">Whether anything may be updated yet.</param>
    /// <param name="unchanged">Whether parameters are as the last step left them.</param>
    internal StepResult Begin(
        LearningRule rule,
        ReadOnlyMemory<float> pixels,
        ReadOnlyMemory<int> labels,
        uint step,
        int images,
        double rate,
        bool inSlices,
        bool unchanged)
    {
        (_values, _gradients, _rate, _profile) = (rule.Model.Values, rule.Gradients, rate, rule.Profile);
        Array.Clear(_learnt);
        bool slices = inSlices && rule.LearnsInSlices && _optimizer is not Lars, isPacked = unchanged && _packed == rule && slices;
        _packed = null;
        StepResult result = rule.Step(pixels, labels, step, images, slices ? _learn : null, isPacked);
        _packed = slices ? rule : null;
        return result;
    }

    /// <summary>The second half: what is left to update.</summary>
    internal void Complete()
    {
        if (_optimizer is Lars)
        {
            _team.Run(_slices.Length, _measure);
            SetTrust();
        }

        if (_learnt.AsSpan().Contains(false))
        {
            _team.Run(_slices.Length, _update);
        }
    }

    // A slice of a parameter; a step that learns in slices tells of all of them.
    private void Learn(Parameter parameter, int start, int length, int worker)
    {
        if (_places.TryGetValue(parameter.Offset, out int p))
        {
            Update(p, start, length, worker);
            _learnt[p] = true;
        }
    }

    private void Update(int job, int worker)
    {
        (int p, int start, int length) = _slices[job];
        if (!_learnt[p])
        {
            Update(p, start, length, worker);
        }
    }

    private void Update(int p, int start, int length, int worker)
    {
        long since = StepProfile.Begin(_profile);
        (Parameter parameter, bool decays, double scale) = _parameters[p];
        _optimizer.Update(
            _values[parameter].Slice(start, length),
            _gradients[parameter].Slice(start, length),
            Velocity[parameter].Slice(start, length),
            _rate * scale * _trust[p],
            decays);

        // Values, gradients and velocities are read; values and velocities are written.
        _profile?.Add(StepPhase.Update, worker, since, 0, 5.0 * sizeof(float) * length);
    }

    // |w|^2 and |g + decay w|^2 of a slice, the latter as |g|^2 + 2 decay g w + decay^2 |w|^2.
    private void Measure(int job, int worker)
    {
        (int p, int start, int length) = _slices[job];
        (Parameter parameter, bool decays, _) = _parameters[p];
        ReadOnlySpan<float> values = _values[parameter].Slice(start, length), gradients = _gradients[parameter].Slice(start, length);
        double pull = decays ? _optimizer.WeightDecay : 0;
        double squares = TensorPrimitives.SumOfSquares(values);
        double forces = TensorPrimitives.SumOfSquares(gradients)
            + (pull * ((2.0 * TensorPrimitives.Dot(values, gradients)) + (pull * squares)));
        _squares[job] = (squares, Math.Max(forces, 0));
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
