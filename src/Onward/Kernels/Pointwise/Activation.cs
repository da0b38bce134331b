using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// The pointwise operations after a layer's normalisation: residual, ReLU and its mask, noise and tangent, each in one pass.
/// The derivative of ReLU at exactly 0 is 0, in the mask and in the tangent.
/// </summary>
public static unsafe class Activation
{
    private const int Lanes = 16;

    // Runs whose sums are computed side by side.
    private const int Batch = 4;

    /// <summary>result = max(0, x).</summary>
    /// <param name="x">Pre-activations.</param>
    /// <param name="result">Receives the activations; may be <paramref name="x"/>.</param>
    public static void Relu(ReadOnlySpan<float> x, Span<float> result) => TensorPrimitives.Max(x, 0f, result);

    /// <summary>result = max(0, x + residual).</summary>
    /// <param name="x">Pre-activations without the residual.</param>
    /// <param name="residual">The residual; as long as <paramref name="x"/>.</param>
    /// <param name="result">Receives the activations.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddRelu(ReadOnlySpan<float> x, ReadOnlySpan<float> residual, Span<float> result)
    {
        Require(x.Length, residual.Length, result.Length);
        int i = 0;
        for (; i <= x.Length - Lanes; i += Lanes)
        {
            Vector512<float> sum = Vector512.Create(x.Slice(i, Lanes)) + Vector512.Create(residual.Slice(i, Lanes));
            Vector512.Max(sum, Vector512<float>.Zero).CopyTo(result.Slice(i, Lanes));
        }

        for (; i < x.Length; i++)
        {
            result[i] = Math.Max(0, x[i] + residual[i]);
        }
    }

    /// <summary>
    /// The tangent of ReLU(n + noise) at noise 0: noise and tangent are set to 0 where the unit is inactive, and the noise is added to the
    /// tangent where the unit is active.
    /// </summary>
    /// <param name="active">Pre-activations or activations: a unit is active where this is above 0.</param>
    /// <param name="noise">The drawn direction; keeps its active part.</param>
    /// <param name="tangent">The tangent of n; becomes the tangent of the activation.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PerturbTangent(ReadOnlySpan<float> active, Span<float> noise, Span<float> tangent)
    {
        Require(active.Length, noise.Length, tangent.Length);
        int i = 0;
        for (; i <= active.Length - Lanes; i += Lanes)
        {
            Vector512<float> mask = Vector512.GreaterThan(
                Vector512.Create((ReadOnlySpan<float>)active.Slice(i, Lanes)), Vector512<float>.Zero);
            Vector512<float> drawn = Vector512.Create((ReadOnlySpan<float>)noise.Slice(i, Lanes));
            Vector512<float> carried = Vector512.Create((ReadOnlySpan<float>)tangent.Slice(i, Lanes)) + drawn;
            (drawn & mask).CopyTo(noise.Slice(i, Lanes));
            (carried & mask).CopyTo(tangent.Slice(i, Lanes));
        }

        for (; i < active.Length; i++)
        {
            bool on = active[i] > 0;
            tangent[i] = on ? tangent[i] + noise[i] : 0;
            noise[i] = on ? noise[i] : 0;
        }
    }

    /// <summary>Sets the values of inactive units to 0.</summary>
    /// <param name="active">Pre-activations or activations: a unit is active where this is above 0.</param>
    /// <param name="values">Noise, tangent or gradient at the same units.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Mask(ReadOnlySpan<float> active, Span<float> values)
    {
        Require(active.Length, values.Length, values.Length);
        int i = 0;
        for (; i <= active.Length - Lanes; i += Lanes)
        {
            Vector512<float> mask = Vector512.GreaterThan(Vector512.Create(active.Slice(i, Lanes)), Vector512<float>.Zero);
            (Vector512.Create((ReadOnlySpan<float>)values.Slice(i, Lanes)) & mask).CopyTo(values.Slice(i, Lanes));
        }

        for (; i < active.Length; i++)
        {
            values[i] = active[i] > 0 ? values[i] : 0;
        }
    }

    /// <summary>result = or += values times one factor for each run of <paramref name="size"/> floats.</summary>
    /// <param name="values">Values [runs, size].</param>
    /// <param name="factors">One factor a run [runs].</param>
    /// <param name="result">Receives the products [runs, size]; may be <paramref name="values"/>.</param>
    /// <param name="size">Floats in a run.</param>
    /// <param name="accumulate">True to add to <paramref name="result"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScaleRuns(ReadOnlySpan<float> values, ReadOnlySpan<float> factors, Span<float> result, int size, bool accumulate)
    {
        Require(values.Length, result.Length, factors.Length * size);
        fixed (float* source = values, scale = factors, target = result)
        {
            float* from = source, to = target;
            for (int run = 0; run < factors.Length; run++, from += size, to += size)
            {
                Vector512<float> factor = Vector512.Create(scale[run]);
                int i = 0;
                for (; i <= size - Lanes; i += Lanes)
                {
                    Vector512<float> old = accumulate ? Vector512.Load(to + i) : Vector512<float>.Zero;
                    Vector512.FusedMultiplyAdd(Vector512.Load(from + i), factor, old).Store(to + i);
                }

                for (; i < size; i++)
                {
                    to[i] = (from[i] * scale[run]) + (accumulate ? to[i] : 0);
                }
            }
        }
    }

    /// <summary>result[run] = scale times the inner product of each run of two arrays.</summary>
    /// <param name="x">Values [runs, size].</param>
    /// <param name="y">Values [runs, size].</param>
    /// <param name="scale">A factor for all results.</param>
    /// <param name="result">Receives the inner products [runs].</param>
    /// <param name="size">Floats in a run.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void InnerRuns(ReadOnlySpan<float> x, ReadOnlySpan<float> y, float scale, Span<float> result, int size)
    {
        Require(x.Length, y.Length, result.Length * size);
        fixed (float* left = x, right = y, target = result)
        {
            int run = 0;
            for (; run <= result.Length - Batch; run += Batch)
            {
                int start = run * size;
                (Vector128.Create(scale) * Reduction.Sums(
                    Products(left + start, right + start, size),
                    Products(left + start + size, right + start + size, size),
                    Products(left + start + (2 * size), right + start + (2 * size), size),
                    Products(left + start + (3 * size), right + start + (3 * size), size))).Store(target + run);
            }

            for (; run < result.Length; run++)
            {
                Vector512<float> products = Products(left + (run * size), right + (run * size), size);
                target[run] = scale * Reduction.Sums(products, products, products, products)[0];
            }

            for (run = 0; size % Lanes != 0 && run < result.Length; run++)
            {
                for (int i = size / Lanes * Lanes; i < size; i++)
                {
                    target[run] += scale * left[(run * size) + i] * right[(run * size) + i];
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Products(float* x, float* y, int size)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = 0; i <= size - Lanes; i += Lanes)
        {
            sum = Vector512.FusedMultiplyAdd(Vector512.Load(x + i), Vector512.Load(y + i), sum);
        }

        return sum;
    }

    private static void Require(int first, int second, int third)
    {
        if (first != second || first != third)
        {
            throw new ArgumentException($"The arrays of one sweep must have one length; got {first}, {second} and {third}.");
        }
    }
}
