using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>Adds noise to the parameters only.</summary>
internal sealed class WeightSweep<T>(
    IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise) : PerturbedSweep<T>(parameters, noise)
    where T : struct, IFloatingPointIeee754<T>
{
    private protected override DualTensor<T> Map(DualTensor<T> x, string weight, string? bias) =>
        bias is null ? x.MatMul(this[weight]) : x.MatMul(this[weight]) + this[bias];

    protected override void CreditActivities(DualTensor<T> loss)
    {
    }
}
