using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>
/// Weight perturbation: the direction has one number for each parameter, shared by all examples. Works for any loss; its
/// variance grows with the number of parameters.
/// </summary>
/// <remarks>The loss may also be a scalar. Orthogonal directions are at right angles over all parameters together.</remarks>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="directions">The distribution of the directions.</param>
/// <param name="passes">Directions carried at once, 1 to 4096.</param>
/// <param name="seed">Names all noise of the run.</param>
public sealed class WeightPerturbationEstimator<T>(NoiseDistribution directions, int passes, ulong seed)
    : ForwardGradientEstimator<T>(directions, passes, seed)
    where T : struct, IFloatingPointIeee754<T>
{
    private protected override ForwardSweep<T> BeginPerturbed(IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise) =>
        new WeightSweep<T>(parameters, noise);
}
