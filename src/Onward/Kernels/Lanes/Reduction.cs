using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Onward.Kernels;

/// <summary>
/// Sums over numbers in one order, whatever the width of the machine's vectors: sixteen lanes, in four rows where there are many numbers,
/// then over the lanes in halves, then over neighbours.
/// </summary>
internal static unsafe class Reduction
{
    private const int Lanes = 16;
    private const int Rows = 4;

    /// <summary>The sum of numbers.</summary>
    internal static float Sum(ReadOnlySpan<float> x) => Over<Plain>(x, x);

    /// <summary>The sum of squares.</summary>
    internal static float SumOfSquares(ReadOnlySpan<float> x) => Over<Product>(x, x);

    /// <summary>The inner product of two vectors of one length.</summary>
    internal static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y) => x.Length == y.Length
        ? Over<Product>(x, y)
        : throw new ArgumentException($"The vectors of an inner product have one length; got {x.Length} and {y.Length}.");

    /// <summary>The sum of squares in double precision, in eight lanes.</summary>
    internal static double SumOfSquares(ReadOnlySpan<double> x)
    {
        Vector512<double> sums = Vector512<double>.Zero;
        int i = 0;
        for (; i <= x.Length - Vector512<double>.Count; i += Vector512<double>.Count)
        {
            Vector512<double> part = Vector512.Create(x[i..]);
            sums += part * part;
        }

        Vector256<double> four = sums.GetLower() + sums.GetUpper();
        Vector128<double> two = four.GetLower() + four.GetUpper();
        double sum = two[0] + two[1];
        for (; i < x.Length; i++)
        {
            sum += x[i] * x[i];
        }

        return sum;
    }

    /// <summary>The sums of four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> Sums(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Vector256<float> a8 = a.GetLower() + a.GetUpper(), b8 = b.GetLower() + b.GetUpper();
        Vector256<float> c8 = c.GetLower() + c.GetUpper(), d8 = d.GetLower() + d.GetUpper();
        if (Avx.IsSupported)
        {
            Vector256<float> abcd = Avx.HorizontalAdd(Avx.HorizontalAdd(a8, b8), Avx.HorizontalAdd(c8, d8));
            return abcd.GetLower() + abcd.GetUpper();
        }

        return SumsOfFour(a8.GetLower(), b8.GetLower(), c8.GetLower(), d8.GetLower())
            + SumsOfFour(a8.GetUpper(), b8.GetUpper(), c8.GetUpper(), d8.GetUpper());
    }

    /// <summary>The sum of a vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Sum(Vector512<float> lanes) => Sums(lanes, lanes, lanes, lanes)[0];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> SumsOfFour(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        return Sse3.IsSupported ? Sse3.HorizontalAdd(Sse3.HorizontalAdd(a, b), Sse3.HorizontalAdd(c, d))
            : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.AddPairwise(AdvSimd.Arm64.AddPairwise(a, b), AdvSimd.Arm64.AddPairwise(c, d))
            : Vector128.Create(Pairs(a), Pairs(b), Pairs(c), Pairs(d));

        static float Pairs(Vector128<float> x) => (x[0] + x[1]) + (x[2] + x[3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Over<TTerm>(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
        where TTerm : struct, ITerm
    {
        fixed (float* x = left, y = right)
        {
            Vector512<float> s0 = Vector512<float>.Zero, s1 = s0, s2 = s0, s3 = s0;
            int i = 0, length = left.Length;
            for (; i <= length - (Rows * Lanes); i += Rows * Lanes)
            {
                s0 = TTerm.Add(s0, Vector512.Load(x + i), Vector512.Load(y + i));
                s1 = TTerm.Add(s1, Vector512.Load(x + i + Lanes), Vector512.Load(y + i + Lanes));
                s2 = TTerm.Add(s2, Vector512.Load(x + i + (2 * Lanes)), Vector512.Load(y + i + (2 * Lanes)));
                s3 = TTerm.Add(s3, Vector512.Load(x + i + (3 * Lanes)), Vector512.Load(y + i + (3 * Lanes)));
            }

            for (; i <= length - Lanes; i += Lanes)
            {
                s0 = TTerm.Add(s0, Vector512.Load(x + i), Vector512.Load(y + i));
            }

            return Sum(((i < length ? AddPart<TTerm>(s1, x + i, y + i, length - i) : s1) + s0) + (s2 + s3));
        }
    }

    // Apart, because its memory on the stack would slow down every call.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector512<float> AddPart<TTerm>(Vector512<float> sum, float* x, float* y, int count)
        where TTerm : struct, ITerm
    {
        float* rest = stackalloc float[2 * Lanes];
        new Span<float>(rest, 2 * Lanes).Clear();
        new ReadOnlySpan<float>(x, count).CopyTo(new Span<float>(rest, Lanes));
        new ReadOnlySpan<float>(y, count).CopyTo(new Span<float>(rest + Lanes, Lanes));
        return TTerm.Add(sum, Vector512.Load(rest), Vector512.Load(rest + Lanes));
    }

    private interface ITerm
    {
        static abstract Vector512<float> Add(Vector512<float> sum, Vector512<float> x, Vector512<float> y);
    }

    private readonly struct Plain : ITerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Add(Vector512<float> sum, Vector512<float> x, Vector512<float> y) => sum + x;
    }

    private readonly struct Product : ITerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Add(Vector512<float> sum, Vector512<float> x, Vector512<float> y) =>
            Vector512.FusedMultiplyAdd(x, y, sum);
    }
}
