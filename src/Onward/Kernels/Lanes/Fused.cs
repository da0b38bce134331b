using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Onward.Kernels;

/// <summary>
/// a b + c with one rounding for processors without such an instruction, composed of exact steps in double precision. The runtime's own
/// substitute calls a function for each number.
/// </summary>
internal static class Fused
{
    /// <summary>True if the processor, and the build for it, have the instruction.</summary>
    internal static bool InHardware => Fma.IsSupported || AdvSimd.IsSupported;

    /// <summary>a b + c with one rounding, composed.</summary>
    internal static Vector128<float> Compose(Vector128<float> a, Vector128<float> b, Vector128<float> c)
    {
        (Vector128<double> a0, Vector128<double> a1) = Vector128.Widen(a);
        (Vector128<double> b0, Vector128<double> b1) = Vector128.Widen(b);
        (Vector128<double> c0, Vector128<double> c1) = Vector128.Widen(c);
        return Vector128.Narrow(AddToOdd(a0 * b0, c0), AddToOdd(a1 * b1, c1));
    }

    // The product of two floats is exact in double. The sum is rounded to the odd one of the two neighbouring doubles, after which rounding
    // to float gives what rounding the exact sum would give (Boldo and Melquiond 2008). The error of the sum is exact too (Knuth's TwoSum).
    // It is not a number where the sum is none, and then nothing changes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> AddToOdd(Vector128<double> product, Vector128<double> c)
    {
        Vector128<double> sum = product + c, part = sum - product;
        Vector128<double> error = (product - (sum - part)) + (c - part), zero = Vector128<double>.Zero;
        Vector128<long> bits = sum.AsInt64(), one = Vector128<long>.One;
        Vector128<long> inexact = (Vector128.GreaterThan(error, zero) | Vector128.LessThan(error, zero)).AsInt64();
        Vector128<long> even = (bits & one) - one;
        Vector128<long> shrinks = (Vector128.LessThan(sum, zero) ^ Vector128.LessThan(error, zero)).AsInt64();
        return (bits + (inexact & even & (one | shrinks))).AsDouble();
    }
}
