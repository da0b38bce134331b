using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// The exponential, the logarithm, the hyperbolic tangent and the logistic function of each number of a span. The result for a number
/// depends on that number alone: on neither its place, nor the span's length, nor the width of the machine's vectors.
/// </summary>
/// <remarks>
/// <para>
/// One definition serves all machines: lanes of 512 bits, which narrower vectors take in parts, and operations that are exact or
/// correctly rounded, fused multiply-adds among them, in a fixed order. No library function is called. Errors are below one unit in
/// the last place (exp, log) or three (tanh, sigmoid), and special values are those of IEEE 754.
/// </para>
/// <para>
/// Ends are exact: exp 0 = 1, exp x is at most 1 below 0 and at least 1 above, log 1 = 0, tanh of 0 is 0 of the same sign, tanh and
/// sigmoid stay within their limits. So a softmax, exp of what is at most 0, never exceeds 1. Subnormal results are rounded like others.
/// </para>
/// </remarks>
internal static class Pointwise
{
    /// <summary>y = exp x.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="x">The numbers.</param>
    /// <param name="y">Receives the results, as many; may be <paramref name="x"/>.</param>
    public static void Exp<T>(ReadOnlySpan<T> x, Span<T> y)
        where T : struct, IFloatingPointIeee754<T> => Apply<T, Exponential>(x, y);

    /// <summary>y = ln x; -infinity at 0, not a number below.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="x">The numbers.</param>
    /// <param name="y">Receives the results, as many; may be <paramref name="x"/>.</param>
    public static void Log<T>(ReadOnlySpan<T> x, Span<T> y)
        where T : struct, IFloatingPointIeee754<T> => Apply<T, Logarithm>(x, y);

    /// <summary>y = tanh x.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="x">The numbers.</param>
    /// <param name="y">Receives the results, as many; may be <paramref name="x"/>.</param>
    public static void Tanh<T>(ReadOnlySpan<T> x, Span<T> y)
        where T : struct, IFloatingPointIeee754<T> => Apply<T, HyperbolicTangent>(x, y);

    /// <summary>y = 1 / (1 + exp(-x)).</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="x">The numbers.</param>
    /// <param name="y">Receives the results, as many; may be <paramref name="x"/>.</param>
    public static void Sigmoid<T>(ReadOnlySpan<T> x, Span<T> y)
        where T : struct, IFloatingPointIeee754<T> => Apply<T, Logistic>(x, y);

    /// <summary>ln x of one number.</summary>
    public static float Log(float x) => Log<float, SinglePrecision>(Vector512.Create(x)).ToScalar();

    /// <summary>ln x of one number.</summary>
    public static double Log(double x) => Log<double, DoublePrecision>(Vector512.Create(x)).ToScalar();

    /// <summary>exp x of one number.</summary>
    public static float Exp(float x) => Exp<float, SinglePrecision>(Vector512.Create(x)).ToScalar();

    /// <summary>exp x of one number.</summary>
    public static double Exp(double x) => Exp<double, DoublePrecision>(Vector512.Create(x)).ToScalar();

    /// <summary>The base to the power of a whole number, by repeated squares.</summary>
    /// <param name="x">The base.</param>
    /// <param name="n">The exponent, at least 0.</param>
    public static double Power(double x, long n)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        double power = 1;
        for (; n > 0; n >>= 1, x *= x)
        {
            power = (n & 1) == 1 ? power * x : power;
        }

        return power;
    }

    /// <summary>(1 + cos(pi x)) / 2 for x from 0 to 1: from 1 down to 0. Errors are below 5e-16.</summary>
    public static double HalfCosine(double x)
    {
        // sin^2 of at most pi / 4, by Taylor's series.
        double angle = Math.PI / 2 * Math.Min(x, 1 - x), square = angle * angle, term = angle, sine = angle;
        for (int k = 3; k <= 15; k += 2)
        {
            term *= -square / (k * (k - 1));
            sine += term;
        }

        return x <= 0.5 ? 1 - (sine * sine) : sine * sine;
    }

    /// <summary>exp x of sixteen numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Exp(Vector512<float> x) => Exp<float, SinglePrecision>(x);

    // exp x = 2^n (1 + (exp r - 1)). The power is applied in two halves, of which the first product is exact, so that results
    // beyond either end of the normal numbers are rounded once. What vanishes is cleared, as products that underflow take processors
    // a hundred times as long.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Exp<T, TFormat>(Vector512<T> x)
        where T : struct, IFloatingPointIeee754<T>
        where TFormat : struct, IPointwiseFormat<T>
    {
        Vector512<T> most = Vector512.Create(TFormat.LargestExponent);
        Vector512<T> vanishes = Vector512.LessThan(x, Vector512.Create(TFormat.SmallestExponent));
        x = Vector512.AndNot(Vector512.ConditionalSelect(Vector512.GreaterThan(x, most), most, x), vanishes);
        Vector512<T> power = Vector512<T>.One + Reduce<T, TFormat>(x, out Vector512<T> n);
        Vector512<T> half = Round<T, TFormat>(n * Vector512.Create(T.CreateChecked(0.5)));
        return Vector512.AndNot(power * TFormat.PowerOfTwo(half) * TFormat.PowerOfTwo(n - half), vanishes);
    }

    // ln x = k ln 2 + ln(1 + f) with s = f / (2 + f): ln(1 + f) = f - (f^2 / 2 - s (f^2 / 2 + tail)), after fdlibm.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Log<T, TFormat>(Vector512<T> x)
        where T : struct, IFloatingPointIeee754<T>
        where TFormat : struct, IPointwiseFormat<T>
    {
        Vector512<T> small = Vector512.LessThan(x, Vector512.Create(TFormat.SmallestNormal));
        Vector512<T> normal = Vector512.ConditionalSelect(small, x * Vector512.Create(TFormat.Significand.Power), x);
        Vector512<T> f = TFormat.Split(normal, out Vector512<T> k) - Vector512<T>.One;
        k -= small & Vector512.Create(TFormat.Significand.Bits);
        Vector512<T> s = f / (f + Vector512.Create(T.CreateChecked(2))), half = Vector512.Create(T.CreateChecked(0.5)) * f * f;
        Vector512<T> rest = TFormat.MultiplyAdd(s, half + TFormat.LogarithmTail(s * s), k * Vector512.Create(TFormat.Ln2.Low));
        Vector512<T> result = TFormat.MultiplyAdd(k, Vector512.Create(TFormat.Ln2.High), f - (half - rest));

        // +infinity and what is not a number stay what they are.
        result = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(T.PositiveInfinity)), result, x);
        result = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<T>.Zero), Vector512.Create(T.NaN), result);
        return Vector512.ConditionalSelect(Vector512.Equals(x, Vector512<T>.Zero), Vector512.Create(T.NegativeInfinity), result);
    }

    // tanh |x| = -m / (2 + m) with m = exp(-2 |x|) - 1 = 2^n (exp r - 1) + (2^n - 1), which cancels nothing near 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Tanh<T, TFormat>(Vector512<T> x)
        where T : struct, IFloatingPointIeee754<T>
        where TFormat : struct, IPointwiseFormat<T>
    {
        Vector512<T> sign = x & Vector512.Create(T.NegativeZero), magnitude = Vector512.AndNot(x, Vector512.Create(T.NegativeZero));

        // Beyond this, tanh rounds to 1; the power stays a normal number.
        Vector512<T> most = Vector512.Create(T.CreateChecked(32));
        magnitude = Vector512.ConditionalSelect(Vector512.GreaterThan(magnitude, most), most, magnitude);
        Vector512<T> reduced = Reduce<T, TFormat>(magnitude * Vector512.Create(T.CreateChecked(-2)), out Vector512<T> n);
        Vector512<T> power = TFormat.PowerOfTwo(n);
        Vector512<T> m = TFormat.MultiplyAdd(power, reduced, power - Vector512<T>.One);
        return Vector512.AndNot(m / (Vector512.Create(T.CreateChecked(2)) + m), Vector512.Create(T.NegativeZero)) | sign;
    }

    // exp(-|x|) cannot overflow, and where x < 0 its quotient keeps all digits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Sigmoid<T, TFormat>(Vector512<T> x)
        where T : struct, IFloatingPointIeee754<T>
        where TFormat : struct, IPointwiseFormat<T>
    {
        Vector512<T> e = Exp<T, TFormat>(x | Vector512.Create(T.NegativeZero));
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<T>.Zero), e, Vector512<T>.One) / (Vector512<T>.One + e);
    }

    // x = n ln 2 + r: exp r - 1, with |r| up to ln 2 / 2.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Reduce<T, TFormat>(Vector512<T> x, out Vector512<T> n)
        where T : struct, IFloatingPointIeee754<T>
        where TFormat : struct, IPointwiseFormat<T>
    {
        (T high, T low) = TFormat.Ln2;
        n = Round<T, TFormat>(x * Vector512.Create(T.CreateChecked(1.4426950408889634)));
        Vector512<T> r = TFormat.MultiplyAdd(n, Vector512.Create(-low), TFormat.MultiplyAdd(n, Vector512.Create(-high), x));
        return TFormat.MultiplyAdd(r * r, TFormat.ExponentialTail(r), r);
    }

    // To the nearest whole number, half to even.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Round<T, TFormat>(Vector512<T> x)
        where T : struct, IFloatingPointIeee754<T>
        where TFormat : struct, IPointwiseFormat<T>
    {
        Vector512<T> unit = Vector512.Create(TFormat.RoundingUnit * T.CreateChecked(1.5));
        return x + unit - unit;
    }

    private static void Apply<T, TFunction>(ReadOnlySpan<T> x, Span<T> y)
        where T : struct, IFloatingPointIeee754<T>
        where TFunction : struct, IFunction
    {
        if (typeof(T) == typeof(float))
        {
            Sweep<float, SinglePrecision, TFunction>(MemoryMarshal.Cast<T, float>(x), MemoryMarshal.Cast<T, float>(y));
        }
        else if (typeof(T) == typeof(double))
        {
            Sweep<double, DoublePrecision, TFunction>(MemoryMarshal.Cast<T, double>(x), MemoryMarshal.Cast<T, double>(y));
        }
        else
        {
            throw new NotSupportedException($"Pointwise functions take float or double; got {typeof(T).Name}.");
        }
    }

    // What does not fill the lanes passes through all of them, so that it meets the operations that all others meet.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sweep<T, TFormat, TFunction>(ReadOnlySpan<T> x, Span<T> y)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TFormat : struct, IPointwiseFormat<T>
        where TFunction : struct, IFunction
    {
        if (x.Length != y.Length)
        {
            throw new ArgumentException($"Each number has one result; got {x.Length} numbers and room for {y.Length} results.", nameof(y));
        }

        int lanes = Vector512<T>.Count, i = 0;
        for (; i <= x.Length - lanes; i += lanes)
        {
            TFunction.Of<T, TFormat>(Vector512.Create(x.Slice(i, lanes))).CopyTo(y.Slice(i, lanes));
        }

        if (i < x.Length)
        {
            Span<T> rest = stackalloc T[lanes];
            x[i..].CopyTo(rest);
            TFunction.Of<T, TFormat>(Vector512.Create((ReadOnlySpan<T>)rest)).CopyTo(rest);
            rest[..(x.Length - i)].CopyTo(y[i..]);
        }
    }

    private interface IFunction
    {
        static abstract Vector512<T> Of<T, TFormat>(Vector512<T> x)
            where T : struct, IFloatingPointIeee754<T>
            where TFormat : struct, IPointwiseFormat<T>;
    }

    private readonly struct Exponential : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<T> Of<T, TFormat>(Vector512<T> x)
            where T : struct, IFloatingPointIeee754<T>
            where TFormat : struct, IPointwiseFormat<T> => Exp<T, TFormat>(x);
    }

    private readonly struct Logarithm : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<T> Of<T, TFormat>(Vector512<T> x)
            where T : struct, IFloatingPointIeee754<T>
            where TFormat : struct, IPointwiseFormat<T> => Log<T, TFormat>(x);
    }

    private readonly struct HyperbolicTangent : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<T> Of<T, TFormat>(Vector512<T> x)
            where T : struct, IFloatingPointIeee754<T>
            where TFormat : struct, IPointwiseFormat<T> => Tanh<T, TFormat>(x);
    }

    private readonly struct Logistic : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<T> Of<T, TFormat>(Vector512<T> x)
            where T : struct, IFloatingPointIeee754<T>
            where TFormat : struct, IPointwiseFormat<T> => Sigmoid<T, TFormat>(x);
    }
}
