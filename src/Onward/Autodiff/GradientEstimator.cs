using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>Computes or estimates the gradient of a user's loss by one learning rule.</summary>
/// <remarks>All estimators take the same function, so that rules can be compared on the same network.</remarks>
/// <typeparam name="T">float or double.</typeparam>
public abstract class GradientEstimator<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private protected GradientEstimator()
    {
    }

    /// <summary>Runs the loss once and estimates the gradient of its mean over the examples.</summary>
    /// <param name="parameters">The parameters by name.</param>
    /// <param name="loss">The user's network and loss. It reads the parameters from the sweep and returns one loss for each example
    /// [N].</param>
    /// <param name="step">Number of the step, which determines the noise. Rules without noise ignore it.</param>
    /// <returns>The losses, and an estimate for each parameter; zero for parameters that the loss does not use.</returns>
    /// <exception cref="ArgumentException">The loss has a shape that the estimator cannot assign to examples.</exception>
    public GradientEstimate<T> Estimate(
        IReadOnlyDictionary<string, Tensor<T>> parameters, Func<ForwardSweep<T>, DualTensor<T>> loss, uint step)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(loss);
        ForwardSweep<T> sweep = Begin(parameters, step);
        sweep.Credit(loss(sweep));
        return sweep.Result();
    }

    private protected abstract ForwardSweep<T> Begin(IReadOnlyDictionary<string, Tensor<T>> parameters, uint step);
}
