using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Optimizers;

/// <summary>Applies an optimiser to parameters by name, as the estimators of Onward.Autodiff take and return them.</summary>
/// <remarks>
/// Parameters change in place. Those with two axes or more are matrices and decay; the others are biases and do not. Each parameter has
/// the bits that an update of a model's parameters gives it. <see cref="Muon"/> orthogonalises all matrices [all but the last axis, last
/// axis]; give the matrices that it should not, such as those of a head, to another update.
/// </remarks>
public sealed class TensorUpdate
{
    private readonly IReadOnlyDictionary<string, Tensor<float>> _parameters;
    private readonly Optimizer _optimizer;
    private readonly Dictionary<string, Tensor<float>> _velocity;
    private readonly Dictionary<string, Tensor<float>> _squares = [];
    private readonly Dictionary<string, NewtonSchulz> _orthogonal = [];
    private readonly Dictionary<string, long> _steps;

    /// <summary>Creates an update of the parameters, with velocities of 0.</summary>
    /// <param name="parameters">The parameters by name. A tensor may be replaced later by one with as many numbers.</param>
    /// <param name="optimizer">The optimiser.</param>
    public TensorUpdate(IReadOnlyDictionary<string, Tensor<float>> parameters, Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(optimizer);
        _parameters = parameters;
        _optimizer = optimizer;
        _velocity = parameters.ToDictionary(
            parameter => parameter.Key, parameter => Tensor.CreateFromShape<float>(parameter.Value.Lengths));
        _steps = parameters.ToDictionary(parameter => parameter.Key, _ => 0L);
        if (optimizer.KeepsSquares)
        {
            _squares = parameters.ToDictionary(
                parameter => parameter.Key, parameter => Tensor.CreateFromShape<float>(parameter.Value.Lengths));
        }
    }

    /// <summary>The state of the optimiser: the velocity of each number.</summary>
    public IReadOnlyDictionary<string, Tensor<float>> Velocity => _velocity;

    /// <summary>The mean squared gradient of each number; empty if the optimiser keeps none.</summary>
    public IReadOnlyDictionary<string, Tensor<float>> Squares => _squares;

    /// <summary>Updates the parameters that have a gradient.</summary>
    /// <param name="gradients">Gradients by the names of their parameters.</param>
    /// <param name="rate">The learning rate.</param>
    /// <exception cref="KeyNotFoundException">A gradient has no parameter.</exception>
    /// <exception cref="ArgumentException">A gradient has another number of elements than its parameter, or the numbers of a tensor do
    /// not lie one after the other.</exception>
    public void Apply(IReadOnlyDictionary<string, Tensor<float>> gradients, double rate)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        foreach ((string name, Tensor<float> gradient) in gradients)
        {
            if (!_parameters.TryGetValue(name, out Tensor<float>? parameter) || !_velocity.TryGetValue(name, out Tensor<float>? velocity))
            {
                throw new KeyNotFoundException($"There is no parameter '{name}'; there are {string.Join(", ", _velocity.Keys)}.");
            }

            if (gradient.FlattenedLength != parameter.FlattenedLength)
            {
                throw new ArgumentException(
                    $"A gradient has a number for each of its parameter's; '{name}' has {parameter.FlattenedLength}, "
                    + $"its gradient {gradient.FlattenedLength}.",
                    nameof(gradients));
            }

            _steps[name]++;
            if (_optimizer is Muon muon && parameter.Rank > 1 && parameter.FlattenedLength > 0)
            {
                Orthogonalize(muon, name, parameter, gradient, rate);
                continue;
            }

            bool decay = parameter.Rank > 1;
            Span<float> values = Numbers(name, parameter), gradientValues = Numbers(name, gradient);
            double factor = _optimizer.RateFactor(values, gradientValues, decay);
            Span<float> squares = _squares.TryGetValue(name, out Tensor<float>? kept) ? Numbers(name, kept) : [];
            _optimizer.Update(new(values, gradientValues, Numbers(name, velocity), squares, _steps[name]), rate * factor, decay);
        }
    }

    private void Orthogonalize(Muon muon, string name, Tensor<float> parameter, Tensor<float> gradient, double rate)
    {
        MatrixGroups matrix = MatrixGroups.Of([.. parameter.Lengths.ToArray().Select(length => checked((int)length))]);
        if (!_orthogonal.TryGetValue(name, out NewtonSchulz? iterations))
        {
            _orthogonal[name] = iterations = new NewtonSchulz([matrix], team: null);
        }

        iterations.Run(
            matrix,
            (start, row) => muon.Advance(
                Numbers(name, gradient).Slice(start, row.Length), Numbers(name, _velocity[name]).Slice(start, row.Length), row),
            (start, row) => muon.Move(
                Numbers(name, parameter).Slice(start, row.Length), row, rate, Muon.ScaleOf(matrix), decay: true));
    }

    private static Span<float> Numbers(string name, Tensor<float> tensor) =>
        tensor.IsEmpty ? [] : tensor.IsDense ? tensor.GetSpan(new nint[tensor.Rank], checked((int)tensor.FlattenedLength))
        : throw new ArgumentException($"The numbers of '{name}' and of its gradient lie one after the other. Make a dense tensor of it.");
}
