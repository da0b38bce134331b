using System.Runtime.CompilerServices;

namespace Onward.Kernels;

/// <summary>Two normals of two random words: sqrt(-2 ln u) times the cosine and the sine of an angle.</summary>
/// <remarks>
/// Box and Muller (1958). u is the float nearest (2 floor(a / 2) + 1) / 2^32, so it is never 0 and the largest normal is
/// sqrt(64 ln 2) = 6.66; the angle is 2 pi b / 2^32. Polynomials are minimax fits (Remez) over the whole reduced
/// range: logarithm to 1.7e-7 relative, sine to 3.3e-9 and cosine to 4.7e-8 absolute, within a few roundings
/// of a float. Only exact and correctly rounded instructions are used, so every machine computes the same bits.
/// </remarks>
/// <typeparam name="TLanes">The instructions.</typeparam>
/// <typeparam name="TVector">The vector they work on.</typeparam>
internal static class BoxMuller<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    private const uint SignBit = 0x80000000u;
    private const uint MantissaBits = 0x007FFFFFu;
    private const int MantissaLength = 23;
    private const uint SqrtHalf = 0x3F3504F3u;

    /// <summary>Replaces words a and b by radius(a) cos(angle(b)) and radius(a) sin(angle(b)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transform(ref TVector a, ref TVector b)
    {
        TVector radius = TLanes.SqrtFloat(MinusTwoLog(ToUnit(a)));
        TVector twiceB = TLanes.ShiftLeft(b, 1);

        // The angle modulo pi, in [-pi/2, pi/2). Where pi was taken off, bits 31 and 30 of b differ and both
        // functions change sign.
        TVector angle = TLanes.MultiplyFloat(TLanes.ToFloat(twiceB), TLanes.Broadcast(MathF.PI / 4294967296f));
        TVector sign = TLanes.And(TLanes.Xor(b, twiceB), TLanes.Broadcast(SignBit));
        TVector signed = TLanes.Xor(radius, sign);
        TVector square = TLanes.MultiplyFloat(angle, angle);
        a = TLanes.MultiplyFloat(signed, Cos(square));
        b = TLanes.MultiplyFloat(TLanes.MultiplyFloat(signed, angle), SinOverAngle(square));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector ToUnit(TVector word) => TLanes.MultiplyAddFloat(
        TLanes.ToFloat(TLanes.ShiftRight(word, 1)), TLanes.Broadcast(1f / 2147483648f), TLanes.Broadcast(1f / 4294967296f));

    // u = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)): -2 ln u = -2 ln 2 k + f P(f).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector MinusTwoLog(TVector u)
    {
        TVector offset = TLanes.Subtract(u, TLanes.Broadcast(SqrtHalf));
        TVector exponent = TLanes.ToFloat(TLanes.ShiftRightSigned(offset, MantissaLength));
        TVector mantissa = TLanes.Add(TLanes.And(offset, TLanes.Broadcast(MantissaBits)), TLanes.Broadcast(SqrtHalf));
        TVector f = TLanes.AddFloat(mantissa, TLanes.Broadcast(-1f));
        TVector p = TLanes.Broadcast(0.2021378730f);
        p = Horner(p, f, -0.3244515799f);
        p = Horner(p, f, 0.3450165942f);
        p = Horner(p, f, -0.3980033134f);
        p = Horner(p, f, 0.4993981817f);
        p = Horner(p, f, -0.6667011788f);
        p = Horner(p, f, 1.0000073025f);
        p = Horner(p, f, -1.9999998906f);
        return TLanes.MultiplyAddFloat(exponent, TLanes.Broadcast(-1.3862943611f), TLanes.MultiplyFloat(f, p));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Cos(TVector square)
    {
        TVector p = TLanes.Broadcast(2.3153931632e-5f);
        p = Horner(p, square, -1.3853704307e-3f);
        p = Horner(p, square, 0.0416635847f);
        p = Horner(p, square, -0.4999990535f);
        return Horner(p, square, 0.9999999535f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector SinOverAngle(TVector square)
    {
        TVector p = TLanes.Broadcast(2.5904884937e-6f);
        p = Horner(p, square, -1.9800897759e-4f);
        p = Horner(p, square, 8.3328998233e-3f);
        p = Horner(p, square, -0.1666664763f);
        return Horner(p, square, 0.9999999766f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Horner(TVector p, TVector x, float coefficient) =>
        TLanes.MultiplyAddFloat(p, x, TLanes.Broadcast(coefficient));
}
