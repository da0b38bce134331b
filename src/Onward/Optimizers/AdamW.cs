using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Onward.Kernels;

namespace Onward.Optimizers;

/// <summary>
/// Adam with decoupled weight decay (AdamW; Loshchilov and Hutter 2019). The step of each number is its mean gradient divided by the root
/// of its mean squared gradient.
/// </summary>
/// <remarks>
/// In update t: m = beta1 m + (1 - beta1) g; s = beta2 s + (1 - beta2) g²; w = (1 - rate decay) w - rate (m / (1 - beta1^t)) /
/// (sqrt(s / (1 - beta2^t)) + epsilon). The velocity holds m. Defaults are those of PyTorch.
/// </remarks>
/// <param name="Beta1">Fraction of the mean gradient that is kept, 0 to below 1.</param>
/// <param name="Beta2">Fraction of the mean squared gradient that is kept, 0 to below 1.</param>
/// <param name="WeightDecay">Coefficient of weight decay on matrices, 0 or more. Biases do not decay.</param>
/// <param name="Epsilon">Number added to the root of the mean squared gradient, above 0.</param>
public sealed record AdamW(
    double Beta1 = AdamW.DefaultBeta1,
    double Beta2 = AdamW.DefaultBeta2,
    double WeightDecay = AdamW.DefaultWeightDecay,
    double Epsilon = 1e-8)
    : Optimizer(Beta1, WeightDecay)
{
    /// <summary>The default of <see cref="Beta1"/>.</summary>
    public const double DefaultBeta1 = 0.9;

    /// <summary>The default of <see cref="Beta2"/>.</summary>
    public const double DefaultBeta2 = 0.999;

    /// <summary>The default of <see cref="Optimizer.WeightDecay"/>.</summary>
    public const double DefaultWeightDecay = 0.01;

    /// <inheritdoc/>
    public override bool KeepsSquares => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Update(scoped in ParameterSlice slice, double rate, bool decay)
    {
        slice.RequireFit(withSquares: true);
        Span<float> values = slice.Values, means = slice.Velocity, squares = slice.Squares;
        ReadOnlySpan<float> gradients = slice.Gradients;
        float kept1 = (float)Beta1, new1 = (float)(1 - Beta1), kept2 = (float)Beta2, new2 = (float)(1 - Beta2);
        float kept = decay ? (float)(1 - (rate * WeightDecay)) : 1;
        float step = -(float)(rate / (1 - Pointwise.Power(Beta1, slice.Step)));
        float root = (float)(1 / Math.Sqrt(1 - Pointwise.Power(Beta2, slice.Step))), epsilon = (float)Epsilon;
        int i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
        {
            Vector512<float> g = Vector512.Create(gradients.Slice(i, Lanes));
            Vector512<float> m = Vector512.FusedMultiplyAdd(
                Vector512.Create(kept1), Vector512.Create((ReadOnlySpan<float>)means.Slice(i, Lanes)), g * new1);
            Vector512<float> s = Vector512.FusedMultiplyAdd(
                Vector512.Create(kept2), Vector512.Create((ReadOnlySpan<float>)squares.Slice(i, Lanes)), g * g * new2);
            m.CopyTo(means.Slice(i, Lanes));
            s.CopyTo(squares.Slice(i, Lanes));
            Vector512<float> ratio =
                m / Vector512.FusedMultiplyAdd(Vector512.Sqrt(s), Vector512.Create(root), Vector512.Create(epsilon));
            Vector512<float> w = Vector512.Create((ReadOnlySpan<float>)values.Slice(i, Lanes)) * kept;
            Vector512.FusedMultiplyAdd(Vector512.Create(step), ratio, w).CopyTo(values.Slice(i, Lanes));
        }

        // Rounds as the vector code does, so that the result does not depend on how a parameter is cut into slices.
        for (; i < values.Length; i++)
        {
            float g = gradients[i];
            means[i] = MathF.FusedMultiplyAdd(kept1, means[i], g * new1);
            squares[i] = MathF.FusedMultiplyAdd(kept2, squares[i], g * g * new2);
            float ratio = means[i] / MathF.FusedMultiplyAdd(float.Sqrt(squares[i]), root, epsilon);
            values[i] = MathF.FusedMultiplyAdd(step, ratio, values[i] * kept);
        }
    }
}
