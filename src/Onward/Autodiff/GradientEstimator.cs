using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>
/// Gives the gradient of a user's loss, or what a learning rule takes for it. All estimators take the same function, so that
/// rules are compared on the same network.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public abstract class GradientEstimator<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private protected GradientEstimator()
    {
    }

    /// <summary>Runs the loss once and estimates the gradient of its mean over the examples.</summary>
    /// <param name="parameters">The parameters by name.</param>
    /// <param name="loss">The user's network and loss: reads the parameters from the sweep, returns one loss for each example [N].</param>
    /// <param name="step">The step's number, which names its noise; rules without noise give the same in each step.</param>
    /// <returns>The losses, and an estimate for each parameter; zero for those that the loss does not use.</returns>
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
