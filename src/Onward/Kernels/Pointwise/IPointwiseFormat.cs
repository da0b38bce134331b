using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// The parts of <see cref="Pointwise"/> that depend on the number format: its constants, its integer operations and the lengths of its
/// series. Each operation is exact or correctly rounded, and each series is a chain of fused multiply-adds in a fixed order.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal interface IPointwiseFormat<T>
{
    /// <summary>Adding 1.5 times this and subtracting it again rounds to the nearest whole number.</summary>
    static abstract T RoundingUnit { get; }

    /// <summary>Exponentials of this and of all larger numbers are infinite.</summary>
    static abstract T LargestExponent { get; }

    /// <summary>Exponentials of all smaller numbers round to 0.</summary>
    static abstract T SmallestExponent { get; }

    /// <summary>The smallest number whose significand has all its bits.</summary>
    static abstract T SmallestNormal { get; }

    /// <summary>The number of bits of a significand behind the first, and 2 to that power.</summary>
    static abstract (T Bits, T Power) Significand { get; }

    /// <summary>ln 2 as a sum: a part whose products with exponents are exact, and the rest.</summary>
    static abstract (T High, T Low) Ln2 { get; }

    /// <summary>a b + c with one rounding.</summary>
    static abstract Vector512<T> MultiplyAdd(Vector512<T> a, Vector512<T> b, Vector512<T> c);

    /// <summary>2^n of a whole number within the exponents of normal numbers.</summary>
    static abstract Vector512<T> PowerOfTwo(Vector512<T> n);

    /// <summary>x = 2^k m of a normal number, with m from sqrt(1/2) to sqrt(2).</summary>
    static abstract Vector512<T> Split(Vector512<T> x, out Vector512<T> k);

    /// <summary>The series of (exp r - 1 - r) / r^2 for |r| up to ln 2 / 2.</summary>
    static abstract Vector512<T> ExponentialTail(Vector512<T> r);

    /// <summary>The series of 2 atanh(s) / s - 2 in z = s^2, for |s| up to 3 - 2 sqrt(2).</summary>
    static abstract Vector512<T> LogarithmTail(Vector512<T> z);
}
