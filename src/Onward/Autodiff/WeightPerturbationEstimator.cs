using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>Weight perturbation: the random direction has one number for each parameter and is shared by all examples.</summary>
/// <remarks>
/// It works for any loss, including a scalar, but its variance grows with the number of parameters. Orthogonal directions are
/// orthogonal over all parameters together.
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="directions">The distribution of the directions.</param>
/// <param name="passes">Number of directions per step, 1 to 4096.</param>
/// <param name="seed">Seed of the noise.</param>
public sealed class WeightPerturbationEstimator<T>(NoiseDistribution directions, int passes, ulong seed)
    : ForwardGradientEstimator<T>(directions, passes, seed)
    where T : struct, IFloatingPointIeee754<T>
{
    private protected override ForwardSweep<T> BeginPerturbed(IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise) =>
        new WeightSweep<T>(parameters, noise);
}
