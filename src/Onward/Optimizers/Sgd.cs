using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Optimizers;

/// <summary>
/// Stochastic gradient descent with momentum, without Nesterov's variant (paper's code): v = momentum v + g + decay w; w = w - rate
/// v.
/// </summary>
/// <param name="Momentum">Fraction of the last velocity that is kept, 0 to below 1.</param>
/// <param name="WeightDecay">Coefficient of weight decay on matrices, 0 or more. Biases do not decay.</param>
public sealed record Sgd(double Momentum, double WeightDecay) : Optimizer(Momentum, WeightDecay)
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Update(scoped in ParameterSlice slice, double rate, bool decay)
    {
        slice.RequireFit(withSquares: false);
        Span<float> values = slice.Values, velocity = slice.Velocity;
        ReadOnlySpan<float> gradients = slice.Gradients;
        float kept = (float)Momentum, pull = decay ? (float)WeightDecay : 0, step = -(float)rate;
        int i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
        {
            Vector512<float> w = Vector512.Create((ReadOnlySpan<float>)values.Slice(i, Lanes));
            Vector512<float> force = Vector512.FusedMultiplyAdd(Vector512.Create(pull), w, Vector512.Create(gradients.Slice(i, Lanes)));
            Vector512<float> v = Vector512.FusedMultiplyAdd(
                Vector512.Create(kept), Vector512.Create((ReadOnlySpan<float>)velocity.Slice(i, Lanes)), force);
            v.CopyTo(velocity.Slice(i, Lanes));
            Vector512.FusedMultiplyAdd(Vector512.Create(step), v, w).CopyTo(values.Slice(i, Lanes));
        }

        // Rounds as the vector code does, so that the result does not depend on how a parameter is cut into slices.
        for (; i < values.Length; i++)
        {
            velocity[i] = MathF.FusedMultiplyAdd(kept, velocity[i], MathF.FusedMultiplyAdd(pull, values[i], gradients[i]));
            values[i] = MathF.FusedMultiplyAdd(step, velocity[i], values[i]);
        }
    }
}
