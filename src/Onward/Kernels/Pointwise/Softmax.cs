using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Onward.Kernels;

/// <summary>The probabilities that the logits of one example stand for.</summary>
internal static unsafe class Softmax
{
    private const int Lanes = 16;

    /// <summary>probabilities = exp(logits - largest) / sum exp(logits - largest).</summary>
    /// <remarks>The sum is taken in sixteen lanes, then over the lanes in halves, whatever the width of the machine's vectors.</remarks>
    /// <param name="logits">Logits [K].</param>
    /// <param name="probabilities">Receives the probabilities [K], each from 0 to 1; may be <paramref name="logits"/>.</param>
    /// <returns>
    /// The largest logit, and the sum of the exponentials, which is at least 1; the sum and all probabilities are not a number where a
    /// logit is not one or is +infinity.
    /// </returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (float Largest, float Sum) Apply(ReadOnlySpan<float> logits, Span<float> probabilities)
    {
        float largest = TensorPrimitives.Max(logits);
        Vector512<float> shift = Vector512.Create(largest), sums = Vector512<float>.Zero;
        int i = 0;
        for (; i <= logits.Length - Lanes; i += Lanes)
        {
            Vector512<float> powers = Pointwise.Exp(Vector512.Create(logits.Slice(i, Lanes)) - shift);
            powers.CopyTo(probabilities.Slice(i, Lanes));
            sums += powers;
        }

        if (i < logits.Length)
        {
            Vector512<float> powers = Pointwise.Exp(LoadPart(logits[i..]) - shift);
            StorePart(powers, probabilities[i..logits.Length]);
            sums += powers;
        }

        float sum = Sum(sums);
        TensorPrimitives.Divide(probabilities[..logits.Length], sum, probabilities[..logits.Length]);
        return (largest, sum);
    }

    /// <summary>
    /// result = J a with J = diag(p) - p p', the Jacobian of the probabilities with respect to the logits. J is symmetric.
    /// </summary>
    /// <param name="probabilities">The probabilities p [K].</param>
    /// <param name="a">Tangent of the logits or gradient of the probabilities [K].</param>
    /// <param name="scale">A factor of the result.</param>
    /// <param name="result">Receives the product [K]; may be <paramref name="a"/>.</param>
    internal static void JacobianProduct(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> a, float scale, Span<float> result)
    {
        Span<float> mean = stackalloc float[1];
        Activation.InnerRuns(probabilities, a, 1, mean, probabilities.Length);
        TensorPrimitives.Subtract(a, mean[0], result);
        TensorPrimitives.Multiply(result, probabilities, result);
        TensorPrimitives.Multiply(result, scale, result);
    }

    // Fewer numbers than lanes: the others are -infinity, whose exponential is 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> LoadPart(ReadOnlySpan<float> part)
    {
        if (Avx512F.IsSupported)
        {
            fixed (float* source = part)
            {
                return Avx512F.MaskLoad(source, First(part.Length), Vector512.Create(float.NegativeInfinity));
            }
        }

        Span<float> all = stackalloc float[Lanes];
        all.Fill(float.NegativeInfinity);
        part.CopyTo(all);
        return Vector512.Create((ReadOnlySpan<float>)all);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePart(Vector512<float> lanes, Span<float> part)
    {
        if (Avx512F.IsSupported)
        {
            fixed (float* target = part)
            {
                Avx512F.MaskStore(target, First(part.Length), lanes);
            }

            return;
        }

        Span<float> all = stackalloc float[Lanes];
        lanes.CopyTo(all);
        all[..part.Length].CopyTo(part);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> First(int count) => Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();

    private static float Sum(Vector512<float> lanes)
    {
        Vector256<float> eight = lanes.GetLower() + lanes.GetUpper();
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        Vector64<float> two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }
}
