using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// The normalisation of <see cref="LayerNorm"/> for runs of 32 floats, two vectors: one channel group of the paper's networks, and
/// so most of what is normalised. A run is loaded once and stays in registers.
/// </summary>
/// <remarks>
/// Four runs at a time, whose sums are independent chains. About 3 FLOP a float forward and 7 for a Jacobian product, 2 and 3
/// floats of traffic: bound by loads and stores. The operations and their order are those of the kernels for any size.
/// </remarks>
internal static unsafe class LayerNormOfPairs
{
    internal const int Size = 32;

    private const int Batch = 4;
    private const int Half = Size / 2;

    /// <summary>Normalises as many whole batches of runs as there are, and says how many runs that were.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Normalize<TSource>(TSource source, float* x, float* y, float* reciprocal, int runs)
        where TSource : struct, INormalizationSource
    {
        Vector128<float> size = Vector128.Create((float)Size), epsilon = Vector128.Create(LayerNorm.Epsilon);
        int run = 0;
        for (; run <= runs - Batch; run += Batch, x += Batch * Size, y += Batch * Size)
        {
            source.MoveTo(run, Size);
            Vector512<float> a0 = source.Load(x, 0, 0), b0 = source.Load(x, Half, 0);
            Vector512<float> a1 = source.Load(x + Size, 0, 1), b1 = source.Load(x + Size, Half, 1);
            Vector512<float> a2 = source.Load(x + (2 * Size), 0, 2), b2 = source.Load(x + (2 * Size), Half, 2);
            Vector512<float> a3 = source.Load(x + (3 * Size), 0, 3), b3 = source.Load(x + (3 * Size), Half, 3);
            Vector128<float> mean = LayerNorm.Sums(a0 + b0, a1 + b1, a2 + b2, a3 + b3) / size;
            Vector512<float> m0 = Vector512.Create(mean[0]), m1 = Vector512.Create(mean[1]), m2 = Vector512.Create(mean[2]), m3 = Vector512.Create(mean[3]);
            a0 -= m0;
            b0 -= m0;
            a1 -= m1;
            b1 -= m1;
            a2 -= m2;
            b2 -= m2;
            a3 -= m3;
            b3 -= m3;
            Vector128<float> squares = LayerNorm.Sums(
                Vector512.MultiplyAddEstimate(b0, b0, a0 * a0),
                Vector512.MultiplyAddEstimate(b1, b1, a1 * a1),
                Vector512.MultiplyAddEstimate(b2, b2, a2 * a2),
                Vector512.MultiplyAddEstimate(b3, b3, a3 * a3));
            Vector128<float> r = Vector128<float>.One / Vector128.Sqrt((squares / size) + epsilon);
            r.Store(reciprocal + run);
            Vector512<float> r0 = Vector512.Create(r[0]), r1 = Vector512.Create(r[1]), r2 = Vector512.Create(r[2]), r3 = Vector512.Create(r[3]);
            (a0 * r0).Store(y);
            (b0 * r0).Store(y + Half);
            (a1 * r1).Store(y + Size);
            (b1 * r1).Store(y + Size + Half);
            (a2 * r2).Store(y + (2 * Size));
            (b2 * r2).Store(y + (2 * Size) + Half);
            (a3 * r3).Store(y + (3 * Size));
            (b3 * r3).Store(y + (3 * Size) + Half);
        }

        return run;
    }

    /// <summary>Multiplies as many whole batches of runs as there are, and says how many runs that were.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int JacobianProduct<TVector>(TVector vector, float* y, float* reciprocal, float* factors, float* a, float* result, int runs)
        where TVector : struct, IJacobianVector
    {
        Vector128<float> size = Vector128.Create((float)Size);
        int run = 0;
        for (; run <= runs - Batch; run += Batch, y += Batch * Size, a += Batch * Size, result += Batch * Size)
        {
            Vector512<float> y0 = Vector512.Load(y), z0 = Vector512.Load(y + Half), a0 = vector.Load(a, y0), b0 = vector.Load(a + Half, z0);
            Vector512<float> y1 = Vector512.Load(y + Size), z1 = Vector512.Load(y + Size + Half), a1 = vector.Load(a + Size, y1), b1 = vector.Load(a + Size + Half, z1);
            Vector512<float> y2 = Vector512.Load(y + (2 * Size)), z2 = Vector512.Load(y + (2 * Size) + Half), a2 = vector.Load(a + (2 * Size), y2), b2 = vector.Load(a + (2 * Size) + Half, z2);
            Vector512<float> y3 = Vector512.Load(y + (3 * Size)), z3 = Vector512.Load(y + (3 * Size) + Half), a3 = vector.Load(a + (3 * Size), y3), b3 = vector.Load(a + (3 * Size) + Half, z3);
            Vector128<float> r = LayerNorm.Scales(reciprocal + run, factors == null ? null : factors + run);
            Vector128<float> shift = -r * LayerNorm.Sums(a0 + b0, a1 + b1, a2 + b2, a3 + b3) / size;
            Vector128<float> along = -r * LayerNorm.Sums(
                Vector512.MultiplyAddEstimate(b0, z0, a0 * y0),
                Vector512.MultiplyAddEstimate(b1, z1, a1 * y1),
                Vector512.MultiplyAddEstimate(b2, z2, a2 * y2),
                Vector512.MultiplyAddEstimate(b3, z3, a3 * y3)) / size;
            Store(a0, b0, y0, z0, r[0], shift[0], along[0], result);
            Store(a1, b1, y1, z1, r[1], shift[1], along[1], result + Size);
            Store(a2, b2, y2, z2, r[2], shift[2], along[2], result + (2 * Size));
            Store(a3, b3, y3, z3, r[3], shift[3], along[3], result + (3 * Size));
        }

        return run;
    }

    // scale a + shift + along y
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> a, Vector512<float> b, Vector512<float> y, Vector512<float> z, float scale, float shift, float along, float* result)
    {
        Vector512<float> scales = Vector512.Create(scale), shifts = Vector512.Create(shift), alongs = Vector512.Create(along);
        Vector512.MultiplyAddEstimate(y, alongs, Vector512.MultiplyAddEstimate(a, scales, shifts)).Store(result);
        Vector512.MultiplyAddEstimate(z, alongs, Vector512.MultiplyAddEstimate(b, scales, shifts)).Store(result + Half);
    }
}
