using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>The format of float: sixteen lanes.</summary>
internal readonly struct SinglePrecision : IPointwiseFormat<float>
{
    private const int SignificandBits = 23;
    private const int ExponentBias = 127;

    public static float RoundingUnit => 8388608; // 2^23

    public static float LargestExponent => 89;

    public static float SmallestExponent => -104;

    public static float SmallestNormal => 1.17549435e-38f;

    public static (float Bits, float Power) Significand => (SignificandBits, 8388608);

    public static (float High, float Low) Ln2 => (0.693138123f, 9.05800061e-6f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> PowerOfTwo(Vector512<float> n) =>
        ((n + Vector512.Create((1.5f * RoundingUnit) + ExponentBias)).AsInt32() << SignificandBits).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Split(Vector512<float> x, out Vector512<float> k)
    {
        Vector512<int> sqrtHalf = Vector512.Create(0x3F3504F3), offset = x.AsInt32() - sqrtHalf;
        k = Vector512.ConvertToSingle(offset >> SignificandBits);
        return ((offset & Vector512.Create((1 << SignificandBits) - 1)) + sqrtHalf).AsSingle();
    }

    // Taylor's series: what is left out is below 1e-9 of exp r - 1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ExponentialTail(Vector512<float> r)
    {
        Vector512<float> p = Horner(Vector512.Create(1f / 40320), r, 1f / 5040);
        p = Horner(p, r, 1f / 720);
        p = Horner(p, r, 1f / 120);
        p = Horner(p, r, 1f / 24);
        p = Horner(p, r, 1f / 6);
        return Horner(p, r, 1f / 2);
    }

    // What is left out is below 2e-9 of the logarithm.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LogarithmTail(Vector512<float> z)
    {
        Vector512<float> p = Horner(Vector512.Create(2f / 9), z, 2f / 7);
        p = Horner(p, z, 2f / 5);
        return Horner(p, z, 2f / 3) * z;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Horner(Vector512<float> p, Vector512<float> x, float coefficient) =>
        MultiplyAdd(p, x, Vector512.Create(coefficient));
}
