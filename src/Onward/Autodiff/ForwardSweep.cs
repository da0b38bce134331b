using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>
/// What an estimator hands to a user's loss: the parameters by name, and the places where noise may enter. The same loss
/// works with every estimator.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public abstract class ForwardSweep<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly SortedDictionary<string, DenseArray<T>> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DenseArray<T>> _estimates = [];
    private readonly Dictionary<string, DualTensor<T>> _perturbed = [];
    private readonly HashSet<string> _readInBlock = [];
    private readonly List<T> _losses = [];

    private protected ForwardSweep(IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise)
    {
        Noise = noise;
        foreach ((string name, Tensor<T> tensor) in parameters)
        {
            _values[name] = DenseArray<T>.From(tensor);
        }
    }

    private protected SweepNoise Noise { get; }

    /// <summary>
    /// A parameter, perturbed by weight noise. It is credited with the losses of the blocks that read it, so read it anew
    /// in each block rather than keep it.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="KeyNotFoundException">There is no such parameter.</exception>
    public DualTensor<T> this[string name]
    {
        get
        {
            Value(name);
            if (_perturbed.Count == 0)
            {
                PerturbParameters();
            }

            _readInBlock.Add(name);
            return _perturbed[name];
        }
    }

    /// <summary>
    /// x W + b. Under activity perturbation its result, the pre-activation, is where the noise enters; under weight
    /// perturbation it is on W and b.
    /// </summary>
    /// <param name="x">[N, ..., p]; axis 0 is the example.</param>
    /// <param name="weight">The name of W, [p, q].</param>
    /// <param name="bias">The name of b, [q]; none by default.</param>
    /// <returns>[N, ..., q].</returns>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    /// <exception cref="KeyNotFoundException">There is no such parameter.</exception>
    public DualTensor<T> Affine(DualTensor<T> x, string weight, string? bias = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        int[] w = Value(weight).Shape;
        if (x.Shape.Length < 2 || w.Length != 2 || x.Shape[^1] != w[0])
        {
            throw new ArgumentException(
                $"An affine map takes x [N, ..., p] and W [p, q]; got {Shapes.Text(x.Shape)} and '{weight}' {Shapes.Text(w)}. "
                + "Weights have the input's size first; transpose W, or flatten x.",
                nameof(x));
        }

        if (bias is not null && !Value(bias).Shape.AsSpan().SequenceEqual([w[1]]))
        {
            throw new ArgumentException($"A bias has one number for each output, [{w[1]}]; '{bias}' is {Shapes.Text(Value(bias).Shape)}.", nameof(bias));
        }

        return Map(x, weight, bias);
    }

    /// <summary>
    /// Ends a block with its local loss: all noise since the last end is credited with this loss alone, and no gradient
    /// passes to later blocks, so parameters of this block are trained on this loss only.
    /// </summary>
    /// <param name="output">The block's output.</param>
    /// <param name="loss">The block's loss for each example, [N].</param>
    /// <returns>The output with its gradient stopped: the input of the next block.</returns>
    /// <exception cref="ArgumentException">The loss has a shape that the estimator cannot assign to examples.</exception>
    public DualTensor<T> EndBlock(DualTensor<T> output, DualTensor<T> loss)
    {
        ArgumentNullException.ThrowIfNull(output);
        Credit(loss);
        return output.StopGradient();
    }

    /// <summary>Multiplies the noise of the block by the tangents of its loss.</summary>
    internal void Credit(DualTensor<T> loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (loss.Shape.Length > 1 || loss.Values.IsEmpty)
        {
            throw new ArgumentException($"A loss is one number for each example, [N]; got {Shapes.Text(loss.Shape)}. Sum or average its other axes.", nameof(loss));
        }

        _losses.Add(loss.Mean().Values[0]);
        if (loss.Directions > 0)
        {
            CreditParameters(loss);
        }

        CreditActivities(loss);
        _readInBlock.Clear();
    }

    internal GradientEstimate<T> Result() => new(_losses, _values.ToDictionary(
        parameter => parameter.Key,
        parameter => (_estimates.GetValueOrDefault(parameter.Key) ?? DenseArray<T>.Zeros(parameter.Value.Shape)).ToTensor()));

    /// <summary>x W + b of parameters whose shapes match.</summary>
    private protected abstract DualTensor<T> Map(DualTensor<T> x, string weight, string? bias);

    /// <summary>Adds the estimates of the block's affine maps and forgets their noise.</summary>
    private protected abstract void CreditActivities(DualTensor<T> loss);

    private protected DenseArray<T> Value(string name) => _values.TryGetValue(name, out DenseArray<T>? value)
        ? value
        : throw new KeyNotFoundException($"There is no parameter '{name}'; there are {string.Join(", ", _values.Keys)}.");

    private protected void AddEstimate(string name, DenseArray<T> estimate) =>
        _estimates[name] = _estimates.TryGetValue(name, out DenseArray<T>? sum) ? sum + estimate : estimate;

    // Parameters lie one after the other in the order of their names.
    private void PerturbParameters()
    {
        T[][] noise = Noise.ForParameters<T>(_values.Values.Sum(value => value.Values.Length));
        int start = 0;
        foreach ((string name, DenseArray<T> value) in _values)
        {
            int first = start, length = value.Values.Length;
            _perturbed[name] = new(value, Array.ConvertAll(noise, v => new DenseArray<T>(value.Shape, v[first..(first + length)])));
            start += length;
        }
    }

    // (1/M) sum over m of v_m times the tangent of the mean loss along v_m.
    private void CreditParameters(DualTensor<T> loss)
    {
        DualTensor<T> mean = loss.Mean();
        foreach (string name in _readInBlock)
        {
            for (int pass = 0; pass < Noise.Passes; pass++)
            {
                DenseArray<T> credit = new([], [mean.Tangent(pass)[0] / T.CreateChecked(Noise.Passes)]);
                AddEstimate(name, credit * _perturbed[name].TangentOrZero(pass));
            }
        }
    }
}
