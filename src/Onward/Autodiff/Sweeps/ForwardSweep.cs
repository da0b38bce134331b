using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>
/// What an estimator hands to a user's loss: the parameters by name, the affine maps, at which rules differ, and the ends of
/// blocks. The same loss works with every estimator.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public abstract class ForwardSweep<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly SortedDictionary<string, DenseArray<T>> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DenseArray<T>> _estimates = [];
    private readonly List<T> _losses = [];

    private protected ForwardSweep(IReadOnlyDictionary<string, Tensor<T>> parameters)
    {
        foreach ((string name, Tensor<T> tensor) in parameters)
        {
            _values[name] = DenseArray<T>.From(tensor);
        }
    }

    /// <summary>The parameters in the order of their names.</summary>
    private protected IReadOnlyDictionary<string, DenseArray<T>> Values => _values;

    /// <summary>
    /// A parameter, perturbed where there is weight noise. It is credited with the losses of the blocks that read it, so
    /// read it anew in each block rather than keep it.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="KeyNotFoundException">There is no such parameter.</exception>
    public DualTensor<T> this[string name]
    {
        get
        {
            Value(name);
            return Read(name);
        }
    }

    /// <summary>
    /// x W + b. Under activity perturbation its result, the pre-activation, is where the noise enters; under weight
    /// perturbation it is on W and b. Under feedback alignment the error passes it through a random matrix.
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
            throw new ArgumentException(
                $"A bias has one number for each output, [{w[1]}]; '{bias}' is {Shapes.Text(Value(bias).Shape)}.", nameof(bias));
        }

        return Map(x, weight, bias);
    }

    /// <summary>
    /// Ends a block with its local loss: no gradient passes to later blocks, so what the block read is trained on this loss
    /// only. All noise since the last end is credited with it alone, or its error is sent back to there and no further.
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

    /// <summary>Adds the estimates of the block that the loss ends.</summary>
    internal void Credit(DualTensor<T> loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (loss.Shape.Length > 1 || loss.Values.IsEmpty)
        {
            throw new ArgumentException(
                $"A loss is one number for each example, [N]; got {Shapes.Text(loss.Shape)}. Sum or average its other axes.", nameof(loss));
        }

        DualTensor<T> mean = loss.Mean();
        _losses.Add(mean.Values[0]);
        CreditBlock(loss, mean);
    }

    internal GradientEstimate<T> Result() => new(_losses, _values.ToDictionary(
        parameter => parameter.Key,
        parameter => (_estimates.GetValueOrDefault(parameter.Key) ?? DenseArray<T>.Zeros(parameter.Value.Shape)).ToTensor()));

    /// <summary>x W + b of parameters whose shapes match.</summary>
    private protected abstract DualTensor<T> Map(DualTensor<T> x, string weight, string? bias);

    /// <summary>A parameter that there is.</summary>
    private protected abstract DualTensor<T> Read(string name);

    /// <summary>Adds the estimates of all that was read since the last block, from its loss [N] and the mean of it, [].</summary>
    private protected abstract void CreditBlock(DualTensor<T> loss, DualTensor<T> mean);

    private protected DenseArray<T> Value(string name) => _values.TryGetValue(name, out DenseArray<T>? value)
        ? value
        : throw new KeyNotFoundException($"There is no parameter '{name}'; there are {string.Join(", ", _values.Keys)}.");

    private protected void AddEstimate(string name, DenseArray<T> estimate) =>
        _estimates[name] = _estimates.TryGetValue(name, out DenseArray<T>? sum) ? sum + estimate : estimate;
}
