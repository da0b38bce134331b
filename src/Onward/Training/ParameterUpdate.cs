using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;

namespace Onward.Training;

/// <summary>Applies an optimiser to all parameters of a model, shared out among threads in slices.</summary>
public sealed class ParameterUpdate
{
    private const int SliceLength = 16 * 1024;

    private readonly WorkerTeam _team;
    private readonly Sgd _optimizer;
    private readonly (Parameter Parameter, int Start, int Length)[] _slices;
    private readonly Action<int, int> _update;
    private ParameterVector _values;
    private ParameterVector _gradients;
    private double _rate;

    /// <summary>Starts with all velocities at 0.</summary>
    /// <param name="layout">The parameters.</param>
    /// <param name="optimizer">The rule of the update.</param>
    /// <param name="team">The threads that share the work.</param>
    public ParameterUpdate(ParameterLayout layout, Sgd optimizer, WorkerTeam team)
    {
        ArgumentNullException.ThrowIfNull(layout);
        _optimizer = optimizer;
        _team = team;
        _update = Update;
        Velocity = _values = _gradients = new ParameterVector(layout);
        _slices =
        [
            .. layout.Parameters.SelectMany(parameter => Enumerable.Range(0, (parameter.Length + SliceLength - 1) / SliceLength)
                .Select(i => (parameter, i * SliceLength, Math.Min(SliceLength, parameter.Length - (i * SliceLength))))),
        ];
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
        _team.Run(_slices.Length, _update);
    }

    private void Update(int job, int worker)
    {
        (Parameter parameter, int start, int length) = _slices[job];
        _optimizer.Update(
            _values[parameter].Slice(start, length),
            _gradients[parameter].Slice(start, length),
            Velocity[parameter].Slice(start, length),
            _rate,
            parameter.IsMatrix);
    }
}
