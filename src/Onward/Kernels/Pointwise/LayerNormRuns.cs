using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>The loops of <see cref="LayerNormKernel"/> over runs of whole vectors: four runs at a time, or one.</summary>
internal static unsafe class LayerNormRuns
{
    internal const int Lanes = 16;
    internal const int Batch = 4;

    /// <summary>Normalises four runs.</summary>
    /// <remarks>
    /// The sums of the runs are independent chains, and four horizontal sums cost little more than one. A source that is not
    /// plain is computed in the first pass, which stores it in the result for the other passes.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void NormalizeBatch<TSource>(TSource source, float* x, float* y, float* reciprocal, int size, float epsilon)
        where TSource : struct, INormalizationSource
    {
        float* x1 = x + size, x2 = x1 + size, x3 = x2 + size, y1 = y + size, y2 = y1 + size, y3 = y2 + size;
        Vector512<float> s0 = Vector512<float>.Zero, s1 = s0, s2 = s0, s3 = s0;
        for (nint i = 0; i < size; i += Lanes)
        {
            Vector512<float> v0 = source.Load(x, i, 0), v1 = source.Load(x1, i, 1), v2 = source.Load(x2, i, 2), v3 = source.Load(x3, i, 3);
            s0 += v0;
            s1 += v1;
            s2 += v2;
            s3 += v3;
            if (!TSource.IsPlain)
            {
                v0.Store(y + i);
                v1.Store(y1 + i);
                v2.Store(y2 + i);
                v3.Store(y3 + i);
            }
        }

        if (!TSource.IsPlain)
        {
            x = y;
            x1 = y1;
            x2 = y2;
            x3 = y3;
        }

        Vector128<float> mean = Reduction.Sums(s0, s1, s2, s3) / size;
        Vector512<float> m0 =
            Vector512.Create(mean[0]), m1 = Vector512.Create(mean[1]), m2 = Vector512.Create(mean[2]), m3 = Vector512.Create(mean[3]);
        s0 = s1 = s2 = s3 = Vector512<float>.Zero;
        for (nint i = 0; i < size; i += Lanes)
        {
            Vector512<float> d0 = Vector512.Load(x + i) - m0, d1 = Vector512.Load(x1 + i) - m1;
            Vector512<float> d2 = Vector512.Load(x2 + i) - m2, d3 = Vector512.Load(x3 + i) - m3;
            s0 = Vector512.FusedMultiplyAdd(d0, d0, s0);
            s1 = Vector512.FusedMultiplyAdd(d1, d1, s1);
            s2 = Vector512.FusedMultiplyAdd(d2, d2, s2);
            s3 = Vector512.FusedMultiplyAdd(d3, d3, s3);
        }

        Vector128<float> r = Vector128<float>.One / Vector128.Sqrt((Reduction.Sums(s0, s1, s2, s3) / size) + Vector128.Create(epsilon));
        r.Store(reciprocal);
        Vector512<float> r0 = Vector512.Create(r[0]), r1 = Vector512.Create(r[1]), r2 = Vector512.Create(r[2]), r3 = Vector512.Create(r[3]);
        for (nint i = 0; i < size; i += Lanes)
        {
            ((Vector512.Load(x + i) - m0) * r0).Store(y + i);
            ((Vector512.Load(x1 + i) - m1) * r1).Store(y1 + i);
            ((Vector512.Load(x2 + i) - m2) * r2).Store(y2 + i);
            ((Vector512.Load(x3 + i) - m3) * r3).Store(y3 + i);
        }
    }

    /// <summary>Normalises one run by the operations of four runs, so that a result does not depend on the neighbours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void NormalizeRun<TSource>(TSource source, float* x, float* y, float* reciprocal, int size, float epsilon)
        where TSource : struct, INormalizationSource
    {
        Vector512<float> sum = Vector512<float>.Zero, squares = sum;
        for (nint i = 0; i < size; i += Lanes)
        {
            Vector512<float> value = source.Load(x, i, 0);
            sum += value;
            value.Store(y + i);
        }

        Vector512<float> mean = Vector512.Create(Reduction.Sums(sum, sum, sum, sum)[0] / size);
        for (nint i = 0; i < size; i += Lanes)
        {
            Vector512<float> deviation = Vector512.Load(y + i) - mean;
            squares = Vector512.FusedMultiplyAdd(deviation, deviation, squares);
        }

        *reciprocal = 1 / MathF.Sqrt((Reduction.Sums(squares, squares, squares, squares)[0] / size) + epsilon);
        for (nint i = 0; i < size; i += Lanes)
        {
            ((Vector512.Load(y + i) - mean) * *reciprocal).Store(y + i);
        }
    }

    /// <summary>Multiplies four vectors by the Jacobians of their runs; r holds the scale of each run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void JacobianBatch<TVector>(TVector vector, float* y, Vector128<float> r, float* a, float* result, int size)
        where TVector : struct, IJacobianVector
    {
        float* y1 = y + size, y2 = y1 + size, y3 = y2 + size;
        float* a1 = a + size, a2 = a1 + size, a3 = a2 + size;
        Vector512<float> s0 = Vector512<float>.Zero, s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
        for (nint i = 0; i < size; i += Lanes)
        {
            Vector512<float> n0 =
                Vector512.Load(y + i), n1 = Vector512.Load(y1 + i), n2 = Vector512.Load(y2 + i), n3 = Vector512.Load(y3 + i);
            Vector512<float> v0 =
                vector.Load(a + i, n0), v1 = vector.Load(a1 + i, n1), v2 = vector.Load(a2 + i, n2), v3 = vector.Load(a3 + i, n3);
            s0 += v0;
            s1 += v1;
            s2 += v2;
            s3 += v3;
            t0 = Vector512.FusedMultiplyAdd(v0, n0, t0);
            t1 = Vector512.FusedMultiplyAdd(v1, n1, t1);
            t2 = Vector512.FusedMultiplyAdd(v2, n2, t2);
            t3 = Vector512.FusedMultiplyAdd(v3, n3, t3);
        }

        Vector128<float> shift = -r * Reduction.Sums(s0, s1, s2, s3) / size, along = -r * Reduction.Sums(t0, t1, t2, t3) / size;
        Finish(vector, y, a, result, r[0], shift[0], along[0], size);
        Finish(vector, y1, a1, result + size, r[1], shift[1], along[1], size);
        Finish(vector, y2, a2, result + (2 * size), r[2], shift[2], along[2], size);
        Finish(vector, y3, a3, result + (3 * size), r[3], shift[3], along[3], size);
    }

    /// <summary>Multiplies one vector by the Jacobian of its run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void JacobianRun<TVector>(TVector vector, float* y, float reciprocal, float* a, float* result, int size)
        where TVector : struct, IJacobianVector
    {
        Vector512<float> sum = Vector512<float>.Zero, inner = sum;
        for (nint i = 0; i < size; i += Lanes)
        {
            Vector512<float> normal = Vector512.Load(y + i), value = vector.Load(a + i, normal);
            sum += value;
            inner = Vector512.FusedMultiplyAdd(value, normal, inner);
        }

        Finish(
            vector,
            y,
            a,
            result,
            reciprocal,
            -reciprocal * Reduction.Sums(sum, sum, sum, sum)[0] / size,
            -reciprocal * Reduction.Sums(inner, inner, inner, inner)[0] / size,
            size);
    }

    // result = scale a + shift + along y
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<TVector>(TVector vector, float* y, float* a, float* result, float scale, float shift, float along, int size)
        where TVector : struct, IJacobianVector
    {
        Vector512<float> scales = Vector512.Create(scale), shifts = Vector512.Create(shift), alongs = Vector512.Create(along);
        for (nint i = 0; i < size; i += Lanes)
        {
            Vector512<float> normal = Vector512.Load(y + i);
            Vector512.FusedMultiplyAdd(normal, alongs, Vector512.FusedMultiplyAdd(vector.Load(a + i, normal), scales, shifts))
                .Store(result + i);
        }
    }
}
