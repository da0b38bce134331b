using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Onward.Kernels;

namespace Onward.Optimizers;

/// <summary>
/// Layer-wise adaptive rate scaling (LARS; You et al. 2017): each parameter's step is scaled by a trust ratio, 0.001
/// |w| / |g + decay w|. So large batches do not disturb small weights.
/// </summary>
/// <remarks>v = momentum v + rate trust (g + decay w); w = w - v. The learning rate is inside the velocity.</remarks>
/// <param name="Momentum">Fraction of the last velocity that is kept, 0 to below 1.</param>
/// <param name="WeightDecay">Coefficient of weight decay on matrices, 0 or more. Biases do not decay.</param>
public sealed record Lars(double Momentum, double WeightDecay) : Optimizer(Momentum, WeightDecay)
{
    private const double Coefficient = 0.001;

    /// <summary>The trust ratio of a whole parameter. It is 1 if either norm is 0, for example for biases at the first step.</summary>
    /// <param name="valueNorm">Norm of the parameter, |w|.</param>
    /// <param name="forceNorm">Norm of its gradient with weight decay, |g + decay w|.</param>
    public static double Trust(double valueNorm, double forceNorm) =>
        valueNorm > 0 && forceNorm > 0 ? Coefficient * valueNorm / forceNorm : 1;

    /// <inheritdoc/>
    internal override bool UpdatesInSlices => false;

    /// <inheritdoc/>
    /// <remarks>Norms are added up slice by slice in order, as an update in slices does.</remarks>
    public override double RateFactor(ReadOnlySpan<float> values, ReadOnlySpan<float> gradients, bool decay)
    {
        double ofValues = 0, ofForces = 0;
        for (int start = 0; start < values.Length; start += SliceLength)
        {
            int length = Math.Min(SliceLength, values.Length - start);
            (double w, double force) = Squares(values.Slice(start, length), gradients.Slice(start, length), decay);
            ofValues += w;
            ofForces += force;
        }

        return Trust(Math.Sqrt(ofValues), Math.Sqrt(ofForces));
    }

    /// <inheritdoc/>
    /// <remarks>The rate must be the scheduled learning rate times the parameter's trust ratio.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Update(scoped in ParameterSlice slice, double rate, bool decay)
    {
        slice.RequireFit(withSquares: false);
        Span<float> values = slice.Values, velocity = slice.Velocity;
        ReadOnlySpan<float> gradients = slice.Gradients;
        float kept = (float)Momentum, pull = decay ? (float)WeightDecay : 0, step = (float)rate;
        int i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
        {
            Vector512<float> w = Vector512.Create((ReadOnlySpan<float>)values.Slice(i, Lanes));
            Vector512<float> force = Vector512.FusedMultiplyAdd(Vector512.Create(pull), w, Vector512.Create(gradients.Slice(i, Lanes)));
            Vector512<float> v = Vector512.FusedMultiplyAdd(
                Vector512.Create(kept), Vector512.Create((ReadOnlySpan<float>)velocity.Slice(i, Lanes)), force * step);
            v.CopyTo(velocity.Slice(i, Lanes));
            (w - v).CopyTo(values.Slice(i, Lanes));
        }

        // Rounds as the vector code does, so that the result does not depend on how a parameter is cut into slices.
        for (; i < values.Length; i++)
        {
            velocity[i] = MathF.FusedMultiplyAdd(kept, velocity[i], MathF.FusedMultiplyAdd(pull, values[i], gradients[i]) * step);
            values[i] -= velocity[i];
        }
    }

    /// <summary>|w|² and |g + decay w|² of a slice, the latter as |g|² + 2 decay g w + decay² |w|².</summary>
    /// <param name="values">Numbers of the parameter.</param>
    /// <param name="gradients">Their gradients.</param>
    /// <param name="decay">True to apply weight decay.</param>
    internal (double Values, double Forces) Squares(ReadOnlySpan<float> values, ReadOnlySpan<float> gradients, bool decay)
    {
        double pull = decay ? WeightDecay : 0;
        double squares = Reduction.SumOfSquares(values);
        double forces = Reduction.SumOfSquares(gradients)
            + (pull * ((2.0 * Reduction.Dot(values, gradients)) + (pull * squares)));
        return (squares, Math.Max(forces, 0));
    }
}
