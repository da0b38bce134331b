using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>Backpropagation: the exact gradient, by reverse-mode differentiation. With a loss for the whole network it is BP.</summary>
/// <remarks>
/// Blocks that end with <see cref="ForwardSweep{T}.EndBlock"/> make it LG-BP: errors are sent back within a block
/// only, and the block's memory is freed before the next block runs.
/// </remarks>
/// <remarks>The loss may also be a scalar, and examples may influence each other.</remarks>
/// <typeparam name="T">float or double.</typeparam>
public sealed class BackpropagationEstimator<T> : GradientEstimator<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private protected override ForwardSweep<T> Begin(IReadOnlyDictionary<string, Tensor<T>> parameters, uint step) =>
        new RecordingSweep<T>(parameters, feedback: null);
}
