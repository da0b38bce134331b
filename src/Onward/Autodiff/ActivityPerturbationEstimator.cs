using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>
/// Activity perturbation: the random direction has one number for each pre-activation of each example. The estimate of a
/// weight's gradient is x ⊗ (∇·u) u (paper section 3.2). Its variance grows with the number of units and falls with the number
/// of examples.
/// </summary>
/// <remarks>
/// <para>
/// The noise enters where the loss calls <see cref="ForwardSweep{T}.Affine"/>. A parameter that is read in any other way is
/// perturbed itself, as in weight perturbation. So the estimate is unbiased for every parameter.
/// </para>
/// <para>
/// Axis 0 must be the example everywhere, and examples must not influence each other. A loss that couples examples, for example by
/// batch statistics, would lose the part of the gradient that is due to the coupling. Orthogonal directions are orthogonal
/// within each example and affine map.
/// </para>
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="directions">The distribution of the directions.</param>
/// <param name="passes">Number of directions per step, 1 to 4096.</param>
/// <param name="seed">Seed of the noise.</param>
public sealed class ActivityPerturbationEstimator<T>(NoiseDistribution directions, int passes, ulong seed)
    : ForwardGradientEstimator<T>(directions, passes, seed)
    where T : struct, IFloatingPointIeee754<T>
{
    private protected override ForwardSweep<T> BeginPerturbed(IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise) =>
        new ActivitySweep<T>(parameters, noise);
}
