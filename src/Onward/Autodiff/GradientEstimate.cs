using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>The result of one step of a <see cref="GradientEstimator{T}"/>.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="Losses">Mean over the examples of each local loss, in the order of the blocks. The returned loss comes last.</param>
/// <param name="Estimates">For each parameter, the gradient of the losses that it is trained on: an unbiased estimate (forward
/// gradients), the exact gradient (backpropagation), or the update direction (feedback alignment).</param>
public sealed record GradientEstimate<T>(IReadOnlyList<T> Losses, IReadOnlyDictionary<string, Tensor<T>> Estimates)
    where T : struct, IFloatingPointIeee754<T>
{
    /// <summary>The mean of the returned loss.</summary>
    public T Loss => Losses[^1];
}
