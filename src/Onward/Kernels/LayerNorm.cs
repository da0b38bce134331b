using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// Normalisation without learned scale or shift, over consecutive runs of <c>size</c> floats: y = (x - mean) r with
/// r = (variance + 1e-5)^(-1/2).
/// </summary>
/// <remarks>
/// A run of D floats is a token's channels; a run of C = D / G floats is one channel group, so that group normalisation
/// is the same routine. The Jacobian J = r (I - 11'/n - y y'/n) is symmetric: one routine carries a tangent forward and a
/// gradient back. The variance is the mean squared deviation (two passes over data in cache), which cannot turn negative.
/// </remarks>
public static class LayerNorm
{
    /// <summary>Added to the variance before the root is taken.</summary>
    public const float Epsilon = 1e-5f;

    private const int Lanes = 16;

    /// <summary>Normalises each run of <paramref name="size"/> floats.</summary>
    /// <param name="x">Values [runs, size].</param>
    /// <param name="y">Receives the normalised values [runs, size]; may be <paramref name="x"/>.</param>
    /// <param name="reciprocal">Receives r of each run [runs].</param>
    /// <param name="size">Floats in a run.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Normalize(ReadOnlySpan<float> x, Span<float> y, Span<float> reciprocal, int size)
    {
        int runs = Runs(x.Length, y.Length, reciprocal.Length, size);
        if (size % Lanes != 0)
        {
            NormalizeAnySize(x, y, reciprocal, size);
            return;
        }

        for (int run = 0; run < runs; run++)
        {
            ReadOnlySpan<float> source = x.Slice(run * size, size);
            Span<float> target = y.Slice(run * size, size);
            Vector512<float> sum = Vector512<float>.Zero;
            for (int i = 0; i < source.Length; i += Lanes)
            {
                sum += Vector512.Create(source.Slice(i, Lanes));
            }

            Vector512<float> mean = Vector512.Create(Vector512.Sum(sum) / size);
            Vector512<float> squares = Vector512<float>.Zero;
            for (int i = 0; i < source.Length; i += Lanes)
            {
                Vector512<float> deviation = Vector512.Create(source.Slice(i, Lanes)) - mean;
                squares = Vector512.MultiplyAddEstimate(deviation, deviation, squares);
            }

            float r = 1 / MathF.Sqrt((Vector512.Sum(squares) / size) + Epsilon);
            reciprocal[run] = r;
            for (int i = 0; i < source.Length; i += Lanes)
            {
                ((Vector512.Create(source.Slice(i, Lanes)) - mean) * r).CopyTo(target.Slice(i, Lanes));
            }
        }
    }

    /// <summary>result = J a for each run: r (a - mean(a) - y mean(y a)). Serves as tangent and as gradient.</summary>
    /// <param name="y">Normalised values [runs, size].</param>
    /// <param name="reciprocal">r of each run [runs].</param>
    /// <param name="a">Tangent of the input or gradient of the output [runs, size].</param>
    /// <param name="result">Receives the product [runs, size]; may be <paramref name="a"/>.</param>
    /// <param name="size">Floats in a run.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void JacobianProduct(ReadOnlySpan<float> y, ReadOnlySpan<float> reciprocal, ReadOnlySpan<float> a, Span<float> result, int size)
    {
        int runs = Runs(y.Length, result.Length, reciprocal.Length, size);
        if (a.Length != y.Length)
        {
            throw new ArgumentException($"The vectors to multiply have {a.Length} values; the normalised values have {y.Length}.");
        }

        if (size % Lanes != 0)
        {
            JacobianProductAnySize(y, reciprocal, a, result, size);
            return;
        }

        for (int run = 0; run < runs; run++)
        {
            ReadOnlySpan<float> normal = y.Slice(run * size, size);
            ReadOnlySpan<float> source = a.Slice(run * size, size);
            Span<float> target = result.Slice(run * size, size);
            Vector512<float> sum = Vector512<float>.Zero, inner = Vector512<float>.Zero;
            for (int i = 0; i < source.Length; i += Lanes)
            {
                Vector512<float> value = Vector512.Create(source.Slice(i, Lanes));
                sum += value;
                inner = Vector512.MultiplyAddEstimate(value, Vector512.Create(normal.Slice(i, Lanes)), inner);
            }

            float r = reciprocal[run];
            Vector512<float> scale = Vector512.Create(r);
            Vector512<float> shift = Vector512.Create(-r * Vector512.Sum(sum) / size);
            Vector512<float> along = Vector512.Create(-r * Vector512.Sum(inner) / size);
            for (int i = 0; i < source.Length; i += Lanes)
            {
                Vector512<float> value = Vector512.MultiplyAddEstimate(Vector512.Create(source.Slice(i, Lanes)), scale, shift);
                Vector512.MultiplyAddEstimate(Vector512.Create(normal.Slice(i, Lanes)), along, value).CopyTo(target.Slice(i, Lanes));
            }
        }
    }

    private static void NormalizeAnySize(ReadOnlySpan<float> x, Span<float> y, Span<float> reciprocal, int size)
    {
        for (int run = 0; run < reciprocal.Length; run++)
        {
            Span<float> target = y.Slice(run * size, size);
            ReadOnlySpan<float> source = x.Slice(run * size, size);
            TensorPrimitives.Subtract(source, TensorPrimitives.Sum(source) / size, target);
            float r = 1 / MathF.Sqrt((TensorPrimitives.SumOfSquares<float>(target) / size) + Epsilon);
            reciprocal[run] = r;
            TensorPrimitives.Multiply(target, r, target);
        }
    }

    private static void JacobianProductAnySize(ReadOnlySpan<float> y, ReadOnlySpan<float> reciprocal, ReadOnlySpan<float> a, Span<float> result, int size)
    {
        for (int run = 0; run < reciprocal.Length; run++)
        {
            ReadOnlySpan<float> normal = y.Slice(run * size, size);
            ReadOnlySpan<float> source = a.Slice(run * size, size);
            Span<float> target = result.Slice(run * size, size);
            float mean = TensorPrimitives.Sum(source) / size;
            float along = TensorPrimitives.Dot(source, normal) / size;
            for (int i = 0; i < size; i++)
            {
                target[i] = reciprocal[run] * (source[i] - mean - (normal[i] * along));
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
