using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>
/// One run of a user's loss under an estimator: supplies the parameters by name and the affine maps, and marks the ends of
/// blocks.
/// </summary>
/// <remarks>The same loss works with every estimator.</remarks>
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
            _values[name] = DenseArray<T>.Over(tensor);
        }
    }

    /// <summary>The parameters in the order of their names.</summary>
    private protected IReadOnlyDictionary<string, DenseArray<T>> Values => _values;

    /// <summary>Reads a parameter, perturbed if there is weight noise.</summary>
    /// <remarks>
    /// The parameter is trained on the losses of the blocks that read it. So read it again in each block instead of keeping it. The
    /// result reads the memory of the parameter's tensor, and changes with it after the sweep.
    /// </remarks>
    /// <param name="name">Name of the parameter.</param>
    /// <exception cref="KeyNotFoundException">There is no such parameter.</exception>
    public DualTensor<T> this[string name]
    {
        get
        {
            Value(name);
            return Read(name);
        }
    }

    /// <summary>Computes the affine map x W + b.</summary>
    /// <remarks>
    /// Activity perturbation adds noise to the result, the pre-activation. Weight perturbation adds noise to W and b. Feedback
    /// alignment sends the error back through a random matrix.
    /// </remarks>
    /// <param name="x">Input [N, ..., p]. Axis 0 is the example.</param>
    /// <param name="weight">Name of W, [p, q].</param>
    /// <param name="bias">Name of b, [q]; null for none.</param>
    /// <returns>The pre-activation [N, ..., q].</returns>
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

    /// <summary>Ends a block with its local loss and stops the gradient.</summary>
    /// <remarks>
    /// Everything that the block read is trained on this loss only. Under forward gradients, the noise of the block is
    /// multiplied by the derivative of this loss only. Under backpropagation and feedback alignment, the error is not sent back
    /// beyond the block.
    /// </remarks>
    /// <param name="output">Output of the block.</param>
    /// <param name="loss">Loss of the block for each example, [N].</param>
    /// <returns>The output with its gradient stopped, which is the input of the next block.</returns>
    /// <exception cref="ArgumentException">The loss has a shape that the estimator cannot assign to examples.</exception>
    public DualTensor<T> EndBlock(DualTensor<T> output, DualTensor<T> loss)
    {
        ArgumentNullException.ThrowIfNull(output);
        Credit(loss);
        return output.StopGradient();
    }

    /// <summary>Adds the gradient estimates of the block that the loss ends.</summary>
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

    /// <summary>Hands over the losses and estimates, which ends the sweep. Several parameters may have received one error.</summary>
    internal GradientEstimate<T> Result()
    {
        HashSet<T[]> handedOver = [];
        return new(_losses, _values.ToDictionary(
            parameter => parameter.Key,
            parameter => (_estimates.GetValueOrDefault(parameter.Key) ?? DenseArray<T>.Zeros(parameter.Value.Shape)).HandOver(handedOver)));
    }

    /// <summary>Computes x W + b. The shapes of the parameters have been checked.</summary>
    private protected abstract DualTensor<T> Map(DualTensor<T> x, string weight, string? bias);

    /// <summary>Reads a parameter that is known to exist.</summary>
    private protected abstract DualTensor<T> Read(string name);

    /// <summary>Adds the estimates of all parameters read since the last block, from the block's loss [N] and its mean [].</summary>
    private protected abstract void CreditBlock(DualTensor<T> loss, DualTensor<T> mean);

    private protected DenseArray<T> Value(string name) => _values.TryGetValue(name, out DenseArray<T>? value)
        ? value
        : throw new KeyNotFoundException($"There is no parameter '{name}'; there are {string.Join(", ", _values.Keys)}.");

    private protected void AddEstimate(string name, DenseArray<T> estimate) =>
        _estimates[name] = _estimates.TryGetValue(name, out DenseArray<T>? sum) ? sum + estimate : estimate;
}
