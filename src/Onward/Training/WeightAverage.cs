using System.Numerics.Tensors;
using Onward.Models;
using Onward.Threads;

namespace Onward.Training;

/// <summary>
/// An exponential moving average of a model's parameters over the steps of a run (Polyak and Juditsky 1992). It fluctuates less
/// than the parameters, and never affects training.
/// </summary>
internal sealed class WeightAverage
{
    private const int SliceLength = 64 * 1024;

    private readonly Network _model;
    private readonly WorkerTeam _team;
    private readonly double _decay;
    private readonly (Parameter Parameter, int Start, int Length)[] _slices;
    private readonly Action<int, int> _add;
    private readonly Action<int, int> _exchange;
    private float _share;

    /// <summary>Allocates the average.</summary>
    /// <param name="model">The model.</param>
    /// <param name="parameters">The parameters to average.</param>
    /// <param name="decay">Decay of the average per step, above 0 and below 1.</param>
    /// <param name="team">The threads that share the work.</param>
    internal WeightAverage(Network model, IEnumerable<Parameter> parameters, double decay, WorkerTeam team)
    {
        (_model, _team, _decay) = (model, team, decay);
        Values = new ParameterVector(model.Values.Layout);
        _slices =
        [
            .. parameters.SelectMany(parameter => Enumerable.Range(0, (parameter.Length + SliceLength - 1) / SliceLength)
                .Select(i => (parameter, i * SliceLength, Math.Min(SliceLength, parameter.Length - (i * SliceLength))))),
        ];
        _add = Add;
        _exchange = Exchange;
    }

    /// <summary>The average. While it is exchanged: the model's own parameters, with which training continues.</summary>
    internal ParameterVector Values { get; }

    /// <summary>True while the model holds the average.</summary>
    internal bool IsExchanged { get; private set; }

    /// <summary>Sets the average.</summary>
    /// <param name="values">Initial value: the model's parameters, or the average from a checkpoint.</param>
    internal void Start(ParameterVector values)
    {
        values.All.CopyTo(Values.All);
        IsExchanged = false;
    }

    /// <summary>Adds the model's parameters after a step.</summary>
    /// <param name="step">Number of the step, from 0. Early steps use a smaller decay, so that the initial parameters are forgotten
    /// quickly.</param>
    internal void Add(long step)
    {
        _share = (float)(1 - Math.Min(_decay, (1.0 + step) / (10.0 + step)));
        _team.Run(_slices.Length, _add);
    }

    /// <summary>Swaps the average and the model's parameters.</summary>
    internal void Exchange()
    {
        _team.Run(_slices.Length, _exchange);
        IsExchanged = !IsExchanged;
    }

    private void Add(int job, int worker)
    {
        (Parameter parameter, int start, int length) = _slices[job];
        Span<float> average = Values[parameter].Slice(start, length);
        TensorPrimitives.Multiply(average, 1 - _share, average);
        TensorPrimitives.MultiplyAdd(_model.Values.Read(parameter).Slice(start, length), _share, average, average);
    }

    private void Exchange(int job, int worker)
    {
        (Parameter parameter, int start, int length) = _slices[job];
        Span<float> average = Values[parameter].Slice(start, length), values = _model.Values[parameter].Slice(start, length);
        for (int i = 0; i < length; i++)
        {
            (average[i], values[i]) = (values[i], average[i]);
        }
    }
}
