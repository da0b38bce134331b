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

/// <summary>
/// Weight perturbation: the direction has one number for each parameter, shared by all examples. Works for any loss; its
/// variance grows with the number of parameters.
/// </summary>
/// <remarks>The loss may also be a scalar. Orthogonal directions are at right angles over all parameters together.</remarks>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="directions">The law of the directions.</param>
/// <param name="passes">Directions carried at once, 1 to 4096.</param>
/// <param name="seed">Names all noise of the run.</param>
public sealed class WeightPerturbationEstimator<T>(DirectionSet directions, int passes, ulong seed)
    : ForwardGradientEstimator<T>(directions, passes, seed)
    where T : struct, IFloatingPointIeee754<T>
{
    private protected override ForwardSweep<T> Begin(IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise) =>
        new WeightSweep<T>(parameters, noise);
}

/// <summary>
/// Activity perturbation: the direction has one number for each pre-activation of each example, and the estimate of a
/// weight is x ⊗ (∇·u) u. Its variance grows with the number of units, and falls with the number of examples.
/// </summary>
/// <remarks>
/// <para>
/// The noise enters where the loss calls <see cref="ForwardSweep{T}.Affine"/>. A parameter read in any other way is
/// perturbed itself, as in weight perturbation, so that the estimate is unbiased for every parameter.
/// </para>
/// <para>
/// Axis 0 is the example everywhere, and examples must not influence one another: a loss that couples them, such as one
/// with batch statistics, would lose the coupling's share of the gradient. Orthogonal directions are at right
/// angles within each example and affine map.
/// </para>
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="directions">The law of the directions.</param>
/// <param name="passes">Directions carried at once, 1 to 4096.</param>
/// <param name="seed">Names all noise of the run.</param>
public sealed class ActivityPerturbationEstimator<T>(DirectionSet directions, int passes, ulong seed)
    : ForwardGradientEstimator<T>(directions, passes, seed)
    where T : struct, IFloatingPointIeee754<T>
{
    private protected override ForwardSweep<T> Begin(IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise) =>
        new ActivitySweep<T>(parameters, noise);
}
