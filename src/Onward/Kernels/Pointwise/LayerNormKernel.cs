using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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
public static unsafe class LayerNormKernel
{
    private const int Lanes = LayerNormRuns.Lanes;
    private const int Batch = LayerNormRuns.Batch;

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
                LayerNormRuns.JacobianBatch(
                    vector,
                    normal + (run * size),
                    Scales(scale + run, factor == null ? null : factor + run),
                    source + (run * size),
                    target + (run * size),
                    size);
            }

            for (; run < runs; run++)
            {
                LayerNormRuns.JacobianRun(
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
                LayerNormRuns.NormalizeBatch(source, values + (run * size), target + (run * size), scale + run, size, epsilon);
                source.Pass(Batch);
            }

            for (; run < runs; run++)
            {
                LayerNormRuns.NormalizeRun(source, values + (run * size), target + (run * size), scale + run, size, epsilon);
                source.Pass(1);
            }
        }
    }

    private static void NormalizeAnySize(ReadOnlySpan<float> x, Span<float> y, Span<float> reciprocal, int size, float epsilon)
    {
        for (int run = 0; run < reciprocal.Length; run++)
        {
            Span<float> target = y.Slice(run * size, size);
            ReadOnlySpan<float> source = x.Slice(run * size, size);
            TensorPrimitives.Subtract(source, Reduction.Sum(source) / size, target);
            float r = 1 / MathF.Sqrt((Reduction.SumOfSquares(target) / size) + epsilon);
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
            float mean = Reduction.Sum(source) / size;
            float along = Reduction.Dot(source, normal) / size;
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
                $"Normalisation over runs of {size} needs input and output of one length, a multiple of {size}, "
                + $"and one reciprocal deviation a run; got {input}, {output} and {reciprocals}.");
        }

        return input / size;
    }
}
