using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Onward.Kernels;

/// <summary>Transposition of small blocks in registers.</summary>
internal static unsafe class Transpose
{
    /// <summary>target[j, i] = source[i, j] for 8 x 8 floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Block8x8(float* source, nint sourceStride, float* target, nint targetStride)
    {
        if (!Avx.IsSupported)
        {
            for (int i = 0; i < 8; i++)
            {
                for (int j = 0; j < 8; j++)
                {
                    target[(j * targetStride) + i] = source[(i * sourceStride) + j];
                }
            }

            return;
        }

        Vector256<float> r0 = Vector256.Load(source);
        Vector256<float> r1 = Vector256.Load(source + sourceStride);
        Vector256<float> r2 = Vector256.Load(source + (2 * sourceStride));
        Vector256<float> r3 = Vector256.Load(source + (3 * sourceStride));
        Vector256<float> r4 = Vector256.Load(source + (4 * sourceStride));
        Vector256<float> r5 = Vector256.Load(source + (5 * sourceStride));
        Vector256<float> r6 = Vector256.Load(source + (6 * sourceStride));
        Vector256<float> r7 = Vector256.Load(source + (7 * sourceStride));

        Vector256<float> t0 = Avx.UnpackLow(r0, r1), t1 = Avx.UnpackHigh(r0, r1);
        Vector256<float> t2 = Avx.UnpackLow(r2, r3), t3 = Avx.UnpackHigh(r2, r3);
        Vector256<float> t4 = Avx.UnpackLow(r4, r5), t5 = Avx.UnpackHigh(r4, r5);
        Vector256<float> t6 = Avx.UnpackLow(r6, r7), t7 = Avx.UnpackHigh(r6, r7);

        Vector256<float> s0 = Avx.Shuffle(t0, t2, 0x44), s1 = Avx.Shuffle(t0, t2, 0xEE);
        Vector256<float> s2 = Avx.Shuffle(t1, t3, 0x44), s3 = Avx.Shuffle(t1, t3, 0xEE);
        Vector256<float> s4 = Avx.Shuffle(t4, t6, 0x44), s5 = Avx.Shuffle(t4, t6, 0xEE);
        Vector256<float> s6 = Avx.Shuffle(t5, t7, 0x44), s7 = Avx.Shuffle(t5, t7, 0xEE);

        Avx.Permute2x128(s0, s4, 0x20).Store(target);
        Avx.Permute2x128(s1, s5, 0x20).Store(target + targetStride);
        Avx.Permute2x128(s2, s6, 0x20).Store(target + (2 * targetStride));
        Avx.Permute2x128(s3, s7, 0x20).Store(target + (3 * targetStride));
        Avx.Permute2x128(s0, s4, 0x31).Store(target + (4 * targetStride));
        Avx.Permute2x128(s1, s5, 0x31).Store(target + (5 * targetStride));
        Avx.Permute2x128(s2, s6, 0x31).Store(target + (6 * targetStride));
        Avx.Permute2x128(s3, s7, 0x31).Store(target + (7 * targetStride));
    }
}
