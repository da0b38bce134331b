using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>Estimates the gradient of any loss from derivatives along random directions, without a backward pass.</summary>
/// <remarks>
/// One forward sweep computes (∇·v) v for several directions v and averages them. The expected value is the gradient (paper
/// sections 3.1 to 3.3).
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
public abstract class ForwardGradientEstimator<T> : GradientEstimator<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly NoiseDistribution _directions;
    private readonly int _passes;
    private readonly ulong _seed;

    private protected ForwardGradientEstimator(NoiseDistribution directions, int passes, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(directions);
        ArgumentOutOfRangeException.ThrowIfLessThan(passes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(passes, (int)RandomStream.MaximumPass + 1);
        _directions = directions.ForPasses(passes);
        _passes = passes;
        _seed = seed;
    }

    private protected sealed override ForwardSweep<T> Begin(IReadOnlyDictionary<string, Tensor<T>> parameters, uint step) =>
        BeginPerturbed(parameters, new SweepNoise(_directions, _passes, new(_seed, RandomPurpose.Perturbation, step)));

    private protected abstract ForwardSweep<T> BeginPerturbed(IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise);
}
