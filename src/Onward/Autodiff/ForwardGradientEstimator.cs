using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>
/// Estimates the gradient of any loss from derivatives along random directions, with no backward pass: in one sweep
/// forward, (∇·v) v for several directions v, averaged. Its mean is the gradient (paper sections 3.1 to 3.3; spec 1.1).
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public abstract class ForwardGradientEstimator<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly DirectionSet _directions;
    private readonly int _passes;
    private readonly ulong _seed;

    private protected ForwardGradientEstimator(DirectionSet directions, int passes, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(directions);
        ArgumentOutOfRangeException.ThrowIfLessThan(passes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(passes, (int)RandomStream.MaximumPass + 1);
        _directions = directions;
        _passes = passes;
        _seed = seed;
    }

    /// <summary>Runs the loss once and estimates the gradient of its mean over the examples.</summary>
    /// <param name="parameters">The parameters by name.</param>
    /// <param name="loss">The user's network and loss: reads the parameters from the sweep, returns one loss for each example [N].</param>
    /// <param name="step">The step's number, which names its noise.</param>
    /// <returns>The losses, and an estimate for each parameter; zero for those that the loss does not use.</returns>
    /// <exception cref="ArgumentException">The loss has a shape that the estimator cannot assign to examples.</exception>
    public GradientEstimate<T> Estimate(IReadOnlyDictionary<string, Tensor<T>> parameters, Func<ForwardSweep<T>, DualTensor<T>> loss, uint step)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(loss);
        ForwardSweep<T> sweep = Begin(parameters, new SweepNoise(_directions, _passes, new(_seed, RandomPurpose.Perturbation, step)));
        sweep.Credit(loss(sweep));
        return sweep.Result();
    }

    private protected abstract ForwardSweep<T> Begin(IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise);
}
