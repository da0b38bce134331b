using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// The Gaussian error linear unit x P(x) and its derivative, with P the distribution function of the standard normal or its approximation
/// by tanh. The result for a number depends on that number alone.
/// </summary>
internal static class GaussianUnit
{
    private const int Lanes = 16;

    private interface IForm
    {
        static abstract Vector512<float> Of(Vector512<float> x, out Vector512<float> slope);
    }

    /// <summary>y = x P(x) with P(x) = (1 + erf(x / sqrt 2)) / 2.</summary>
    /// <param name="x">The numbers.</param>
    /// <param name="y">Receives the results; may be <paramref name="x"/>.</param>
    /// <param name="slope">Receives the derivatives.</param>
    internal static void Exact(ReadOnlySpan<float> x, Span<float> y, Span<float> slope) => Sweep<ExactForm>(x, y, slope);

    /// <summary>y = x P(x) with P(x) = (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.</summary>
    /// <param name="x">The numbers.</param>
    /// <param name="y">Receives the results; may be <paramref name="x"/>.</param>
    /// <param name="slope">Receives the derivatives.</param>
    internal static void Tanh(ReadOnlySpan<float> x, Span<float> y, Span<float> slope) => Sweep<TanhForm>(x, y, slope);

    // Numbers that do not fill the lanes pass through all of them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sweep<TForm>(ReadOnlySpan<float> x, Span<float> y, Span<float> slope)
        where TForm : struct, IForm
    {
        int i = 0;
        for (; i <= x.Length - Lanes; i += Lanes)
        {
            TForm.Of(Vector512.Create(x.Slice(i, Lanes)), out Vector512<float> slopes).CopyTo(y.Slice(i, Lanes));
            slopes.CopyTo(slope.Slice(i, Lanes));
        }

        if (i < x.Length)
        {
            Span<float> rest = stackalloc float[Lanes];
            int count = x.Length - i;
            rest.Clear();
            x[i..].CopyTo(rest);
            TForm.Of(Vector512.Create((ReadOnlySpan<float>)rest), out Vector512<float> slopes).CopyTo(rest);
            rest[..count].CopyTo(y[i..]);
            slopes.CopyTo(rest);
            rest[..count].CopyTo(slope[i..]);
        }
    }

    private readonly struct ExactForm : IForm
    {
        // P(-|x|) = exp(-x^2 / 2) t p(2 t - 1) with t = 1 / (1 + |x| / sqrt 8). The polynomial is fitted on Chebyshev points; its error and
        // the roundings are below 3e-7 of P, in the tail too.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Of(Vector512<float> x, out Vector512<float> slope)
        {
            Vector512<float> one = Vector512<float>.One;
            Vector512<float> t = one / Vector512.FusedMultiplyAdd(Vector512.Abs(x), Vector512.Create(0.353553391f), one);
            Vector512<float> w = t + t - one;
            Vector512<float> p = Vector512.Create(2.214420734e-5f);
            p = Vector512.FusedMultiplyAdd(p, w, Vector512.Create(-1.838218082e-5f));
            p = Vector512.FusedMultiplyAdd(p, w, Vector512.Create(-1.523595432e-4f));
            p = Vector512.FusedMultiplyAdd(p, w, Vector512.Create(2.155200108e-4f));
            p = Vector512.FusedMultiplyAdd(p, w, Vector512.Create(7.669235222e-4f));
            p = Vector512.FusedMultiplyAdd(p, w, Vector512.Create(-1.621866534e-3f));
            p = Vector512.FusedMultiplyAdd(p, w, Vector512.Create(-5.376655441e-3f));
            p = Vector512.FusedMultiplyAdd(p, w, Vector512.Create(9.110874557e-3f));
            p = Vector512.FusedMultiplyAdd(p, w, Vector512.Create(6.98679729e-2f));
            p = Vector512.FusedMultiplyAdd(p, w, Vector512.Create(0.1717901563f));
            p = Vector512.FusedMultiplyAdd(p, w, Vector512.Create(0.2553956763f));
            Vector512<float> density = Pointwise.Exp(x * x * Vector512.Create(-0.5f)), tail = density * (t * p);
            Vector512<float> share = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), tail, one - tail);
            slope = Vector512.FusedMultiplyAdd(x * density, Vector512.Create(0.398942280f), share);
            return x * share;
        }
    }

    private readonly struct TanhForm : IForm
    {
        // (1 + tanh u) / 2 = 1 / (1 + exp(-2 u)).
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Of(Vector512<float> x, out Vector512<float> slope)
        {
            Vector512<float> one = Vector512<float>.One, root = Vector512.Create(1.59576912f), cubic = Vector512.Create(0.0713548163f);
            Vector512<float> square = x * x, v = x * Vector512.FusedMultiplyAdd(square, cubic, root); // 2 u
            Vector512<float> e = Pointwise.Exp(-Vector512.Abs(v));
            Vector512<float> share =
                Vector512.ConditionalSelect(Vector512.LessThan(v, Vector512<float>.Zero), e, one) / (one + e);
            Vector512<float> inner = Vector512.FusedMultiplyAdd(square, cubic * Vector512.Create(3f), root);
            slope = Vector512.FusedMultiplyAdd(x * share * (one - share), inner, share);
            return x * share;
        }
    }
}
