using System.Numerics.Tensors;
using Onward.Communication;
using Onward.Kernels;
using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;

namespace Onward.Training;

/// <summary>
/// Scales all gradients of a step down to a largest Euclidean norm (Pascanu et al. 2013), the norm over all trained parameters of the
/// network.
/// </summary>
/// <remarks>
/// Squares are added up slice by slice and parameter by parameter in order, so that the norm has the same bits for any number of threads.
/// Processes that have blocks of their own add the squares of their parameters to zeros, so the norm has the bits of one process.
/// Processes that share a batch have summed their gradients before.
/// </remarks>
internal sealed class GradientClipping
{
    private const int SliceLength = Optimizer.SliceLength;

    // Numbers that are widened at a time, on the stack.
    private const int Widened = 512;

    private readonly double _limit;
    private readonly WorkerTeam _team;
    private readonly Communicator _chain;
    private readonly Parameter[] _parameters;
    private readonly (int Parameter, int Start, int Length)[] _slices;
    private readonly double[] _squaresOfSlices;
    private readonly double[] _squares; // of each parameter of the network, in the order of the layout
    private readonly int[] _places; // the places of parameters in the layout
    private readonly Action<int, int> _measure;
    private readonly Action<int, int> _scale;
    private ParameterVector _gradients = null!;
    private double _factor;

    /// <summary>Prepares the clipping.</summary>
    /// <param name="limit">The largest norm, above 0.</param>
    /// <param name="layout">The layout of the model's parameters.</param>
    /// <param name="parameters">The parameters that this process updates.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="chain">The processes that have the other blocks.</param>
    internal GradientClipping(
        double limit, ParameterLayout layout, IReadOnlyList<TrainedParameter> parameters, WorkerTeam team, Communicator chain)
    {
        (_limit, _team, _chain, _measure, _scale) = (limit, team, chain, Measure, Scale);
        _parameters = [.. parameters.Select(trained => trained.Parameter)];
        Dictionary<int, int> places = layout.Parameters.Index().ToDictionary(place => place.Item.Offset, place => place.Index);
        _places = [.. _parameters.Select(parameter => places[parameter.Offset])];
        _squares = new double[layout.Parameters.Count];
        _slices =
        [
            .. _parameters.SelectMany((parameter, p) => Enumerable.Range(0, (parameter.Length + SliceLength - 1) / SliceLength)
                .Select(i => (p, i * SliceLength, Math.Min(SliceLength, parameter.Length - (i * SliceLength))))),
        ];
        _squaresOfSlices = new double[_slices.Length];
    }

    /// <summary>The norm of the last gradients, before they were scaled.</summary>
    internal double Norm { get; private set; }

    /// <summary>Scales the gradients if their norm is above the limit.</summary>
    /// <param name="gradients">The gradients, summed over the processes that share a batch.</param>
    internal void Apply(ParameterVector gradients)
    {
        _gradients = gradients;
        _team.Run(_slices.Length, _measure);
        Array.Clear(_squares);
        for (int job = 0; job < _slices.Length; job++)
        {
            _squares[_places[_slices[job].Parameter]] += _squaresOfSlices[job];
        }

        if (_chain.Count > 1)
        {
            _chain.Sum(_squares.AsMemory());
        }

        double sum = 0;
        foreach (double squares in _squares)
        {
            sum += squares;
        }

        Norm = Math.Sqrt(sum);
        if (Norm > _limit)
        {
            _factor = _limit / Norm;
            _team.Run(_slices.Length, _scale);
        }
    }

    private void Measure(int job, int worker)
    {
        ReadOnlySpan<float> gradients = Part(job);
        Span<double> widened = stackalloc double[Widened];
        double sum = 0;
        for (; !gradients.IsEmpty; gradients = gradients[Math.Min(Widened, gradients.Length)..])
        {
            Span<double> part = widened[..Math.Min(Widened, gradients.Length)];
            TensorPrimitives.ConvertTruncating<float, double>(gradients[..part.Length], part);
            sum += Reduction.SumOfSquares(part);
        }

        _squaresOfSlices[job] = sum;
    }

    private void Scale(int job, int worker)
    {
        Span<double> widened = stackalloc double[Widened];
        for (Span<float> gradients = Part(job); !gradients.IsEmpty; gradients = gradients[Math.Min(Widened, gradients.Length)..])
        {
            Span<double> part = widened[..Math.Min(Widened, gradients.Length)];
            TensorPrimitives.ConvertTruncating<float, double>(gradients[..part.Length], part);
            TensorPrimitives.Multiply(part, _factor, part);
            TensorPrimitives.ConvertTruncating<double, float>(part, gradients);
        }
    }

    private Span<float> Part(int job)
    {
        (int p, int start, int length) = _slices[job];
        return _gradients.Update(_parameters[p]).Slice(start, length);
    }
}
