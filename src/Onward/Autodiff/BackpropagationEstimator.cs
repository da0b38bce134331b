using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>
/// Backprop: the exact gradient, by reverse-mode differentiation. A loss for the whole network makes it BP; blocks ended by
/// <see cref="ForwardSweep{T}.EndBlock"/> make it LG-BP (spec 4.2), which sends errors back within a block and frees what
/// the block had kept before the next one runs.
/// </summary>
/// <remarks>The loss may also be a scalar, and examples may influence one another.</remarks>
/// <typeparam name="T">float or double.</typeparam>
public sealed class BackpropagationEstimator<T> : GradientEstimator<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private protected override ForwardSweep<T> Begin(IReadOnlyDictionary<string, Tensor<T>> parameters, uint step) =>
        new RecordingSweep<T>(parameters, feedback: null);
}
