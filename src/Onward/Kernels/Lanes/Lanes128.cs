using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Onward.Kernels;

/// <summary>Four lanes; SSE2, AdvSimd, or plain instructions on any other machine.</summary>
internal readonly unsafe struct Lanes128 : ILanes<Vector128<uint>>
{
    public static int Count => Vector128<uint>.Count;

    public static Vector128<uint> Indices => Vector128<uint>.Indices;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Broadcast(uint value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Broadcast(float value) => Vector128.Create(value).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Load(uint* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<uint> value, uint* destination) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Add(Vector128<uint> a, Vector128<uint> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Subtract(Vector128<uint> a, Vector128<uint> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> And(Vector128<uint> a, Vector128<uint> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Or(Vector128<uint> a, Vector128<uint> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Xor(Vector128<uint> a, Vector128<uint> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftLeft(Vector128<uint> a, int count) => a << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftRight(Vector128<uint> a, int count) => a >>> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftRightSigned(Vector128<uint> a, int count) => (a.AsInt32() >> count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> MultiplyEven(Vector128<uint> a, Vector128<uint> b)
    {
        if (Sse2.IsSupported)
        {
            return Sse2.Multiply(a, b).AsUInt32();
        }

        if (AdvSimd.IsSupported)
        {
            return AdvSimd.MultiplyWideningLower(
                AdvSimd.ExtractNarrowingLower(a.AsUInt64()), AdvSimd.ExtractNarrowingLower(b.AsUInt64())).AsUInt32();
        }

        Vector128<ulong> low = Vector128.Create(0x00000000FFFFFFFFul);
        return ((a.AsUInt64() & low) * (b.AsUInt64() & low)).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> OddToEven(Vector128<uint> a) => (a.AsUInt64() >>> 32).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Interleave(Vector128<uint> even, Vector128<uint> odd) =>
        Vector128.ConditionalSelect(Vector128.Create(0x00000000FFFFFFFFul).AsUInt32(), even, (odd.AsUInt64() << 32).AsUInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ToFloat(Vector128<uint> signed) => Vector128.ConvertToSingle(signed.AsInt32()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> AddFloat(Vector128<uint> a, Vector128<uint> b) => (a.AsSingle() + b.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> MultiplyFloat(Vector128<uint> a, Vector128<uint> b) => (a.AsSingle() * b.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> MultiplyAddFloat(Vector128<uint> a, Vector128<uint> b, Vector128<uint> c) =>
        Vector128.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> SqrtFloat(Vector128<uint> a) => Vector128.Sqrt(a.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ExchangeHalves(Vector128<uint> a) => (a << 16) | (a >>> 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Lookup(float* table, Vector128<uint> low, Vector128<uint> high, Vector128<uint> place)
    {
        Vector128<uint> index = place & Vector128.Create(31u);
        return Vector128.Create(table[index[0]], table[index[1]], table[index[2]], table[index[3]]).AsUInt32();
    }
}
