using System.Numerics.Tensors;
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
    /// <param name="velocity">Where velocities are kept, which an update of other parameters may share; null to start with all at 0.</param>
    public ParameterUpdate(ParameterLayout layout, IReadOnlyList<TrainedParameter> parameters, Optimizer optimizer, WorkerTeam team, ParameterVector? velocity = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        _optimizer = optimizer;
        _team = team;
        _update = Update;
        _measure = Measure;
        Velocity = _values = _gradients = velocity ?? new ParameterVector(layout);
        _parameters = [.. parameters];
        _slices =
        [
            .. _parameters.SelectMany((trained, p) => Enumerable.Range(0, (trained.Parameter.Length + SliceLength - 1) / SliceLength)
                .Select(i => (p, i * SliceLength, Math.Min(SliceLength, trained.Parameter.Length - (i * SliceLength))))),
        ];
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
        (_values, _gradients, _rate) = (values, gradients, rate);
        if (_optimizer is Lars)
        {
            _team.Run(_slices.Length, _measure);
            SetTrust();
        }

        _team.Run(_slices.Length, _update);
    }

    private void Update(int job, int worker)
    {
        (int p, int start, int length) = _slices[job];
        (Parameter parameter, bool decays, double scale) = _parameters[p];
        _optimizer.Update(
            _values[parameter].Slice(start, length),
            _gradients[parameter].Slice(start, length),
            Velocity[parameter].Slice(start, length),
            _rate * scale * _trust[p],
            decays);
    }

    // |w|^2 and |g + decay w|^2 of a slice, the latter as |g|^2 + 2 decay g w + decay^2 |w|^2.
    private void Measure(int job, int worker)
    {
        (int p, int start, int length) = _slices[job];
        (Parameter parameter, bool decays, _) = _parameters[p];
        ReadOnlySpan<float> values = _values[parameter].Slice(start, length), gradients = _gradients[parameter].Slice(start, length);
        double pull = decays ? _optimizer.WeightDecay : 0;
        double squares = TensorPrimitives.SumOfSquares(values);
        double forces = TensorPrimitives.SumOfSquares(gradients) + (pull * ((2.0 * TensorPrimitives.Dot(values, gradients)) + (pull * squares)));
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
