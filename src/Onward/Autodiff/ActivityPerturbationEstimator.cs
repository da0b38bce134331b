using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

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
/// <param name="directions">The distribution of the directions.</param>
/// <param name="passes">Directions carried at once, 1 to 4096.</param>
/// <param name="seed">Names all noise of the run.</param>
public sealed class ActivityPerturbationEstimator<T>(NoiseDistribution directions, int passes, ulong seed)
    : ForwardGradientEstimator<T>(directions, passes, seed)
    where T : struct, IFloatingPointIeee754<T>
{
    private protected override ForwardSweep<T> BeginPerturbed(IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise) =>
        new ActivitySweep<T>(parameters, noise);
}
