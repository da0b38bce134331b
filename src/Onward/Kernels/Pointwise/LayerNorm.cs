using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Onward.Kernels;

/// <summary>
/// Normalisation without learned scale or shift, over consecutive runs of <c>size</c> floats: y = (x - mean) r with
/// r = (variance + epsilon)^(-1/2).
/// </summary>
/// <remarks>
/// A run of D floats is a token's channels; a run of C = D / G floats is one channel group, so that group normalisation
/// is the same routine. The Jacobian J = r (I - 11'/n - y y'/n) is symmetric: one routine carries a tangent forward and a
/// gradient back. The variance is the mean squared deviation (two passes over data in cache), which cannot turn negative.
/// </remarks>
public static unsafe class LayerNorm
{
    private const int Lanes = 16;
    private const int Batch = 4;

    /// <summary>Normalises each run of <paramref name="size"/> floats.</summary>
    /// <param name="x">Values [runs, size].</param>
    /// <param name="y">Receives the normalised values [runs, size]; may be <paramref name="x"/>.</param>
    /// <param name="reciprocal">Receives r of each run [runs].</param>
    /// <param name="size">Floats in a run.</param>
    /// <param name="epsilon">Added to the variance before the root is taken; above 0.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    public static void Normalize(ReadOnlySpan<float> x, Span<float> y, Span<float> reciprocal, int size, float epsilon)
    {
        Runs(x.Length, y.Length, reciprocal.Length, size);
        if (size % Lanes != 0)
        {
            NormalizeAnySize(x, y, reciprocal, size, epsilon);
            return;
        }

        Normalize(default(PlainSource), x, y, reciprocal, size, epsilon);
    }

    /// <summary>Normalises each run of <paramref name="size"/> floats after ReLU.</summary>
    /// <param name="x">Values before ReLU [runs, size].</param>
    /// <param name="y">Receives the normalised values [runs, size]; may be <paramref name="x"/>.</param>
    /// <param name="reciprocal">Receives r of each run [runs].</param>
    /// <param name="size">Floats in a run.</param>
    /// <param name="epsilon">Added to the variance before the root is taken; above 0.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    public static void NormalizeRectified(ReadOnlySpan<float> x, Span<float> y, Span<float> reciprocal, int size, float epsilon)
    {
        Runs(x.Length, y.Length, reciprocal.Length, size);
        if (size % Lanes != 0)
        {
            Activation.Relu(x, y);
            NormalizeAnySize(y, y, reciprocal, size, epsilon);
            return;
        }

        Normalize(default(RectifiedSource), x, y, reciprocal, size, epsilon);
    }

    /// <summary>Normalises each run of <paramref name="size"/> floats after a bias is added.</summary>
    /// <param name="x">Values without the bias [rows, length of the bias].</param>
    /// <param name="bias">The bias of a row, of one run or several.</param>
    /// <param name="y">Receives the normalised values, as many; may be <paramref name="x"/>.</param>
    /// <param name="reciprocal">Receives r of each run [runs].</param>
    /// <param name="size">Floats in a run.</param>
    /// <param name="epsilon">Added to the variance before the root is taken; above 0.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    public static void NormalizeBiased(
        ReadOnlySpan<float> x, ReadOnlySpan<float> bias, Span<float> y, Span<float> reciprocal, int size, float epsilon)
    {
        Runs(x.Length, y.Length, reciprocal.Length, size);
        if (bias.IsEmpty || bias.Length % size != 0 || x.Length % bias.Length != 0)
        {
            throw new ArgumentException(
                $"A bias is that of whole rows, of whole runs of {size}; got {bias.Length} for {x.Length} values.", nameof(bias));
        }

        int runs = bias.Length / size;
        if (size % Lanes != 0 || (runs > 1 && runs % LayerNormOfPairs.Batch != 0))
        {
            for (int row = 0; row < x.Length; row += bias.Length)
            {
                TensorPrimitives.Add(x.Slice(row, bias.Length), bias, y.Slice(row, bias.Length));
            }

            Normalize(y, y, reciprocal, size, epsilon);
            return;
        }

        fixed (float* added = bias)
        {
            Normalize(new BiasedSource(added, runs, size), x, y, reciprocal, size, epsilon);
        }
    }

    /// <summary>result = J a for each run: r (a - mean(a) - y mean(y a)). Serves as tangent and as gradient.</summary>
    /// <param name="y">Normalised values [runs, size].</param>
    /// <param name="reciprocal">r of each run [runs].</param>
    /// <param name="a">Tangent of the input or gradient of the output [runs, size].</param>
    /// <param name="result">Receives the product [runs, size]; may be <paramref name="a"/>.</param>
    /// <param name="size">Floats in a run.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    public static void JacobianProduct(
        ReadOnlySpan<float> y, ReadOnlySpan<float> reciprocal, ReadOnlySpan<float> a, Span<float> result, int size) =>
        Multiply(default(WholeVector), y, reciprocal, [], a, result, size);

    /// <summary>result = factor J a for each run, with a factor of its own: a product that spares the scaling of a.</summary>
    /// <param name="y">Normalised values [runs, size].</param>
    /// <param name="reciprocal">r of each run [runs].</param>
    /// <param name="factors">The factor of each run [runs].</param>
    /// <param name="a">Tangent of the input or gradient of the output [runs, size].</param>
    /// <param name="result">Receives the product [runs, size]; may be <paramref name="a"/>.</param>
    /// <param name="size">Floats in a run.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    public static void ScaledJacobianProduct(
        ReadOnlySpan<float> y,
        ReadOnlySpan<float> reciprocal,
        ReadOnlySpan<float> factors,
        ReadOnlySpan<float> a,
        Span<float> result,
        int size)
    {
        if (factors.Length != reciprocal.Length)
        {
            throw new ArgumentException($"Each of {reciprocal.Length} runs needs a factor; got {factors.Length}.", nameof(factors));
        }

        Multiply(default(WholeVector), y, reciprocal, factors, a, result, size);
    }

    /// <summary>result = J a, of the part of a where y is above 0: a gradient on its way back through ReLU and normalisation.</summary>
    /// <param name="y">Normalised values [runs, size].</param>
    /// <param name="reciprocal">r of each run [runs].</param>
    /// <param name="a">Gradient of the output of ReLU [runs, size].</param>
    /// <param name="result">Receives the product [runs, size]; may be <paramref name="a"/>.</param>
    /// <param name="size">Floats in a run.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    public static void RectifiedJacobianProduct(
        ReadOnlySpan<float> y, ReadOnlySpan<float> reciprocal, ReadOnlySpan<float> a, Span<float> result, int size)
    {
        if (size % Lanes != 0)
        {
            a.CopyTo(result);
            Activation.Mask(y, result);
            JacobianProduct(y, reciprocal, result, result, size);
            return;
        }

        Multiply(default(ActiveVector), y, reciprocal, [], a, result, size);
    }

    private static void Multiply<TVector>(
        TVector vector,
        ReadOnlySpan<float> y,
        ReadOnlySpan<float> reciprocal,
        ReadOnlySpan<float> factors,
        ReadOnlySpan<float> a,
        Span<float> result,
        int size)
        where TVector : struct, IJacobianVector
    {
        int runs = Runs(y.Length, result.Length, reciprocal.Length, size);
        if (a.Length != y.Length)
        {
            throw new ArgumentException($"The vectors to multiply have {a.Length} values; the normalised values have {y.Length}.");
        }

        if (size % Lanes != 0)
        {
            MultiplyAnySize(y, reciprocal, factors, a, result, size);
            return;
        }

        fixed (float* normal = y, source = a, target = result, scale = reciprocal, factor = factors)
        {
            int run = size == LayerNormOfPairs.Size
                ? LayerNormOfPairs.JacobianProduct(vector, normal, scale, factor, source, target, runs)
                : 0;
            for (; run <= runs - Batch; run += Batch)
            {
                JacobianBatch(
                    vector,
                    normal + (run * size),
                    Scales(scale + run, factor == null ? null : factor + run),
                    source + (run * size),
                    target + (run * size),
                    size);
            }

            for (; run < runs; run++)
            {
                JacobianRun(
                    vector,
                    normal + (run * size),
                    factor == null ? scale[run] : scale[run] * factor[run],
                    source + (run * size),
                    target + (run * size),
                    size);
            }
        }
    }

    // r of four runs, times their factors if there are any.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Scales(float* reciprocal, float* factors) =>
        factors == null ? Vector128.Load(reciprocal) : Vector128.Load(reciprocal) * Vector128.Load(factors);

    private static void Normalize<TSource>(
        TSource source, ReadOnlySpan<float> x, Span<float> y, Span<float> reciprocal, int size, float epsilon)
        where TSource : struct, INormalizationSource
    {
        int runs = reciprocal.Length;
        fixed (float* values = x, target = y, scale = reciprocal)
        {
            int run = size == LayerNormOfPairs.Size ? LayerNormOfPairs.Normalize(ref source, values, target, scale, runs, epsilon) : 0;
            for (; run <= runs - Batch; run += Batch)
            {
                NormalizeBatch(source, values + (run * size), target + (run * size), scale + run, size, epsilon);
                source.Pass(Batch);
            }

            for (; run < runs; run++)
            {
                NormalizeRun(source, values + (run * size), target + (run * size), scale + run, size, epsilon);
                source.Pass(1);
            }
        }
    }

    // Four runs side by side: their sums are independent chains, and four horizontal sums cost little more than one. What is not plain
    // is made in the first pass and read from the result in the others.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void NormalizeBatch<TSource>(TSource source, float* x, float* y, float* reciprocal, int size, float epsilon)
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

        Vector128<float> mean = Sums(s0, s1, s2, s3) / size;
        Vector512<float> m0 =
            Vector512.Create(mean[0]), m1 = Vector512.Create(mean[1]), m2 = Vector512.Create(mean[2]), m3 = Vector512.Create(mean[3]);
        s0 = s1 = s2 = s3 = Vector512<float>.Zero;
        for (nint i = 0; i < size; i += Lanes)
        {
            Vector512<float> d0 = Vector512.Load(x + i) - m0, d1 = Vector512.Load(x1 + i) - m1;
            Vector512<float> d2 = Vector512.Load(x2 + i) - m2, d3 = Vector512.Load(x3 + i) - m3;
            s0 = Vector512.MultiplyAddEstimate(d0, d0, s0);
            s1 = Vector512.MultiplyAddEstimate(d1, d1, s1);
            s2 = Vector512.MultiplyAddEstimate(d2, d2, s2);
            s3 = Vector512.MultiplyAddEstimate(d3, d3, s3);
        }

        Vector128<float> r = Vector128<float>.One / Vector128.Sqrt((Sums(s0, s1, s2, s3) / size) + Vector128.Create(epsilon));
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

    // The same operations for one run, so that a run's result does not depend on its neighbours.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void NormalizeRun<TSource>(TSource source, float* x, float* y, float* reciprocal, int size, float epsilon)
        where TSource : struct, INormalizationSource
    {
        Vector512<float> sum = Vector512<float>.Zero, squares = sum;
        for (nint i = 0; i < size; i += Lanes)
        {
            Vector512<float> value = source.Load(x, i, 0);
            sum += value;
            value.Store(y + i);
        }

        Vector512<float> mean = Vector512.Create(Sums(sum, sum, sum, sum)[0] / size);
        for (nint i = 0; i < size; i += Lanes)
        {
            Vector512<float> deviation = Vector512.Load(y + i) - mean;
            squares = Vector512.MultiplyAddEstimate(deviation, deviation, squares);
        }

        *reciprocal = 1 / MathF.Sqrt((Sums(squares, squares, squares, squares)[0] / size) + epsilon);
        for (nint i = 0; i < size; i += Lanes)
        {
            ((Vector512.Load(y + i) - mean) * *reciprocal).Store(y + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void JacobianBatch<TVector>(TVector vector, float* y, Vector128<float> r, float* a, float* result, int size)
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
            t0 = Vector512.MultiplyAddEstimate(v0, n0, t0);
            t1 = Vector512.MultiplyAddEstimate(v1, n1, t1);
            t2 = Vector512.MultiplyAddEstimate(v2, n2, t2);
            t3 = Vector512.MultiplyAddEstimate(v3, n3, t3);
        }

        Vector128<float> shift = -r * Sums(s0, s1, s2, s3) / size, along = -r * Sums(t0, t1, t2, t3) / size;
        Finish(vector, y, a, result, r[0], shift[0], along[0], size);
        Finish(vector, y1, a1, result + size, r[1], shift[1], along[1], size);
        Finish(vector, y2, a2, result + (2 * size), r[2], shift[2], along[2], size);
        Finish(vector, y3, a3, result + (3 * size), r[3], shift[3], along[3], size);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void JacobianRun<TVector>(TVector vector, float* y, float reciprocal, float* a, float* result, int size)
        where TVector : struct, IJacobianVector
    {
        Vector512<float> sum = Vector512<float>.Zero, inner = sum;
        for (nint i = 0; i < size; i += Lanes)
        {
            Vector512<float> normal = Vector512.Load(y + i), value = vector.Load(a + i, normal);
            sum += value;
            inner = Vector512.MultiplyAddEstimate(value, normal, inner);
        }

        Finish(
            vector,
            y,
            a,
            result,
            reciprocal,
            -reciprocal * Sums(sum, sum, sum, sum)[0] / size,
            -reciprocal * Sums(inner, inner, inner, inner)[0] / size,
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
            Vector512.MultiplyAddEstimate(normal, alongs, Vector512.MultiplyAddEstimate(vector.Load(a + i, normal), scales, shifts))
                .Store(result + i);
        }
    }

    // The sums of four vectors. The additions fall in one fixed order, so equal vectors have equal sums.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> Sums(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        if (!Avx.IsSupported)
        {
            return Vector128.Create(Vector512.Sum(a), Vector512.Sum(b), Vector512.Sum(c), Vector512.Sum(d));
        }

        Vector256<float> ab = Avx.HorizontalAdd(a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper());
        Vector256<float> cd = Avx.HorizontalAdd(c.GetLower() + c.GetUpper(), d.GetLower() + d.GetUpper());
        Vector256<float> abcd = Avx.HorizontalAdd(ab, cd);
        return abcd.GetLower() + abcd.GetUpper();
    }

    private static void NormalizeAnySize(ReadOnlySpan<float> x, Span<float> y, Span<float> reciprocal, int size, float epsilon)
    {
        for (int run = 0; run < reciprocal.Length; run++)
        {
            Span<float> target = y.Slice(run * size, size);
            ReadOnlySpan<float> source = x.Slice(run * size, size);
            TensorPrimitives.Subtract(source, TensorPrimitives.Sum(source) / size, target);
            float r = 1 / MathF.Sqrt((TensorPrimitives.SumOfSquares<float>(target) / size) + epsilon);
            reciprocal[run] = r;
            TensorPrimitives.Multiply(target, r, target);
        }
    }

    private static void MultiplyAnySize(
        ReadOnlySpan<float> y,
        ReadOnlySpan<float> reciprocal,
        ReadOnlySpan<float> factors,
        ReadOnlySpan<float> a,
        Span<float> result,
        int size)
    {
        for (int run = 0; run < reciprocal.Length; run++)
        {
            ReadOnlySpan<float> normal = y.Slice(run * size, size);
            ReadOnlySpan<float> source = a.Slice(run * size, size);
            Span<float> target = result.Slice(run * size, size);
            float mean = TensorPrimitives.Sum(source) / size;
            float along = TensorPrimitives.Dot(source, normal) / size;
            float scale = factors.IsEmpty ? reciprocal[run] : reciprocal[run] * factors[run];
            for (int i = 0; i < size; i++)
            {
                target[i] = scale * (source[i] - mean - (normal[i] * along));
            }
        }
    }

    private static int Runs(int input, int output, int reciprocals, int size)
    {
        if (size <= 0 || input % size != 0 || output != input || reciprocals != input / size)
        {
            throw new ArgumentException(
                $"Normalisation over runs of {size} needs input and output of one length, a multiple of {size}, and one reciprocal deviation a run; got {input}, {output} and {reciprocals}.");
        }

        return input / size;
    }
}
