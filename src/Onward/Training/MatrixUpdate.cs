using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;

namespace Onward.Training;

/// <summary>Updates the parameters that Muon orthogonalises, one after the other. Threads share each of them.</summary>
internal sealed class MatrixUpdate
{
    private readonly Muon _muon;
    private readonly TrainedParameter[] _parameters;
    private readonly NewtonSchulz _iterations;
    private readonly MatrixRow _advance;
    private readonly MatrixRow _move;

    // The update under way.
    private TrainedParameter _trained;
    private ParameterVector _values = null!;
    private ParameterVector _gradients = null!;
    private ParameterVector _velocity = null!;
    private double _rate;
    private double _scale;

    /// <summary>Allocates the memory of the updates.</summary>
    /// <param name="muon">The optimiser.</param>
    /// <param name="parameters">The parameters, all of them matrices.</param>
    /// <param name="team">The threads that share the work.</param>
    internal MatrixUpdate(Muon muon, TrainedParameter[] parameters, WorkerTeam team)
    {
        (_muon, _parameters, _advance, _move) = (muon, parameters, Advance, Move);
        _iterations = new NewtonSchulz([.. parameters.Select(trained => trained.Parameter.Matrices!.Value)], team);
    }

    /// <summary>Updates the parameters.</summary>
    /// <param name="values">The parameters' values.</param>
    /// <param name="gradients">Their gradients.</param>
    /// <param name="velocity">Their velocities.</param>
    /// <param name="rate">The learning rate.</param>
    internal void Run(ParameterVector values, ParameterVector gradients, ParameterVector velocity, double rate)
    {
        (_values, _gradients, _velocity) = (values, gradients, velocity);
        foreach (TrainedParameter trained in _parameters)
        {
            (_trained, _rate, _scale) = (trained, rate * trained.RateScale, Muon.ScaleOf(trained.Parameter.Matrices!.Value));
            _iterations.Run(trained.Parameter.Matrices.Value, _advance, _move);
        }
    }

    private void Advance(int start, Span<float> row) => _muon.Advance(
        _gradients.Read(_trained.Parameter).Slice(start, row.Length),
        _velocity.Update(_trained.Parameter).Slice(start, row.Length),
        row);

    private void Move(int start, Span<float> row) =>
        _muon.Move(_values.Update(_trained.Parameter).Slice(start, row.Length), row, _rate, _scale, _trained.Decays);
}
