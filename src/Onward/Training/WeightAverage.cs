using System.Numerics.Tensors;
using Onward.Models;
using Onward.Threads;

namespace Onward.Training;

/// <summary>
/// An exponential moving average of a model's parameters over the steps of a run (Polyak and Juditsky 1992), which scatters
/// less than the parameters themselves do. It never acts back on training.
/// </summary>
internal sealed class WeightAverage
{
    private const int SliceLength = 64 * 1024;

    private readonly LocalMixer _model;
    private readonly WorkerTeam _team;
    private readonly double _decay;
    private readonly (Parameter Parameter, int Start, int Length)[] _slices;
    private readonly Action<int, int> _add;
    private readonly Action<int, int> _exchange;
    private float _share;

    /// <summary>Takes memory for it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="parameters">What is averaged; the rest of the model is no part of it.</param>
    /// <param name="decay">The share of the average that a step keeps; above 0 and below 1.</param>
    /// <param name="team">The threads that share the work.</param>
    internal WeightAverage(LocalMixer model, IEnumerable<Parameter> parameters, double decay, WorkerTeam team)
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

    /// <summary>The average or, while it is exchanged, the parameters that training goes on with.</summary>
    internal ParameterVector Values { get; }

    /// <summary>Whether the model holds the average.</summary>
    internal bool IsExchanged { get; private set; }

    /// <summary>Starts anew.</summary>
    /// <param name="values">What it starts at: the model's parameters, or what a checkpoint has kept.</param>
    internal void Start(ParameterVector values)
    {
        values.All.CopyTo(Values.All);
        IsExchanged = false;
    }

    /// <summary>Takes the parameters that a step has left.</summary>
    /// <param name="step">The step's number, from 0: early steps keep less, or the average would long be that of the first draw.</param>
    internal void Add(long step)
    {
        _share = (float)(1 - Math.Min(_decay, (1.0 + step) / (10.0 + step)));
        _team.Run(_slices.Length, _add);
    }

    /// <summary>Puts the average into the model and its parameters here, or both back.</summary>
    internal void Exchange()
    {
        _team.Run(_slices.Length, _exchange);
        IsExchanged = !IsExchanged;
    }

    private void Add(int job, int worker)
    {
        (Parameter parameter, int start, int length) = _slices[job];
        Span<float> average = Values[parameter].Slice(start, length);
        TensorPrimitives.Lerp(average, _model.Values[parameter].Slice(start, length), _share, average);
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
