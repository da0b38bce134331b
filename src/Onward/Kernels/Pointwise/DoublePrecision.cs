using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>The format of double: eight lanes.</summary>
internal readonly struct DoublePrecision : IPointwiseFormat<double>
{
    private const int SignificandBits = 52;
    private const int ExponentBias = 1023;

    public static double RoundingUnit => 4503599627370496; // 2^52

    public static double LargestExponent => 710;

    public static double SmallestExponent => -746;

    public static double SmallestNormal => 2.2250738585072014e-308;

    public static (double Bits, double Power) Significand => (SignificandBits, 4503599627370496);

    public static (double High, double Low) Ln2 => (6.93147180369123816490e-01, 1.90821492927058770002e-10);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> MultiplyAdd(Vector512<double> a, Vector512<double> b, Vector512<double> c) =>
        Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> PowerOfTwo(Vector512<double> n) =>
        ((n + Vector512.Create((1.5 * RoundingUnit) + ExponentBias)).AsInt64() << SignificandBits).AsDouble();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Split(Vector512<double> x, out Vector512<double> k)
    {
        Vector512<long> sqrtHalf = Vector512.Create(0x3FE6A09E667F3BCD), offset = x.AsInt64() - sqrtHalf;
        k = Vector512.ConvertToDouble(offset >> SignificandBits);
        return ((offset & Vector512.Create((1L << SignificandBits) - 1)) + sqrtHalf).AsDouble();
    }

    // Taylor's series: what is left out is below 2e-17 of exp r - 1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> ExponentialTail(Vector512<double> r)
    {
        Vector512<double> p = Horner(Vector512.Create(1.0 / 6227020800), r, 1.0 / 479001600);
        p = Horner(p, r, 1.0 / 39916800);
        p = Horner(p, r, 1.0 / 3628800);
        p = Horner(p, r, 1.0 / 362880);
        p = Horner(p, r, 1.0 / 40320);
        p = Horner(p, r, 1.0 / 5040);
        p = Horner(p, r, 1.0 / 720);
        p = Horner(p, r, 1.0 / 120);
        p = Horner(p, r, 1.0 / 24);
        p = Horner(p, r, 1.0 / 6);
        return Horner(p, r, 1.0 / 2);
    }

    // What is left out is below 1e-18 of the logarithm.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> LogarithmTail(Vector512<double> z)
    {
        Vector512<double> p = Horner(Vector512.Create(2.0 / 21), z, 2.0 / 19);
        p = Horner(p, z, 2.0 / 17);
        p = Horner(p, z, 2.0 / 15);
        p = Horner(p, z, 2.0 / 13);
        p = Horner(p, z, 2.0 / 11);
        p = Horner(p, z, 2.0 / 9);
        p = Horner(p, z, 2.0 / 7);
        p = Horner(p, z, 2.0 / 5);
        return Horner(p, z, 2.0 / 3) * z;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Horner(Vector512<double> p, Vector512<double> x, double coefficient) =>
        MultiplyAdd(p, x, Vector512.Create(coefficient));
}
