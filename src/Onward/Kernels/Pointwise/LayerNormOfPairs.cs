using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Onward.Kernels;

/// <summary>
/// The normalisation of <see cref="LayerNormKernel"/> for runs of 32 floats, two vectors: one channel group of the paper's networks. Half
/// of all normalised numbers are in such runs.
/// </summary>
/// <remarks>
/// The runs of a stretch, which fits the first cache, go through several short passes, eight runs at a time. In a single pass, each run
/// would wait a hundred cycles for its own sums, and waiting operations fill the processor's scheduler. Eight horizontal sums take 25
/// operations with AVX-512. Mean and scale of a run are broadcast from memory, by ports that are otherwise idle. About 3 FLOP a float
/// forward and 7 for a Jacobian product: 4 to 5 cycles a vector from the first cache; 6 from the second, limited by its traffic. The
/// operations and their order are those of the kernels for any size, so results have the same bits.
/// </remarks>
internal static unsafe class LayerNormOfPairs
{
    internal const int Size = 32;
    internal const int Batch = 8;
    private const int Half = Size / 2;
    private const int Stretch = 64; // runs that go through all passes before the next: 8 KB
    private const float Share = 1f / Size; // exact, as the size is a power of two

    /// <summary>Normalises all whole batches of runs, and returns the number of these runs.</summary>
    internal static int Normalize<TSource>(ref TSource source, float* x, float* y, float* reciprocal, int runs, float epsilon)
        where TSource : struct, INormalizationSource
    {
        int whole = runs / Batch * Batch;
        for (int run = 0; run < whole; run += Stretch)
        {
            int count = Math.Min(Stretch, whole - run);
            float* from = x + (run * Size), to = y + (run * Size);
            Average(ref source, from, to, reciprocal + run, count);
            Deviate(TSource.IsPlain ? from : to, to, reciprocal + run, count, epsilon);
            Scale(to, reciprocal + run, count);
        }

        return whole;
    }

    /// <summary>Multiplies the vectors of all whole batches of runs by their Jacobians, and returns the number of these runs.</summary>
    [SkipLocalsInit]
    internal static int JacobianProduct<TVector>(
        TVector vector, float* y, float* reciprocal, float* factors, float* a, float* result, int runs)
        where TVector : struct, IJacobianVector
    {
        int whole = runs / Batch * Batch;
        float* terms = stackalloc float[3 * Stretch];
        for (int run = 0; run < whole; run += Stretch)
        {
            int count = Math.Min(Stretch, whole - run), first = run * Size;
            Project(vector, y + first, reciprocal + run, factors == null ? null : factors + run, a + first, terms, count);
            Combine(vector, y + first, a + first, terms, result + first, count);
        }

        return whole;
    }

    // Computes the mean of each run, in the place of its reciprocal. A source that is not plain is stored in y.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Average<TSource>(ref TSource source, float* x, float* y, float* mean, int runs)
        where TSource : struct, INormalizationSource
    {
        TSource values = source;
        for (int run = 0; run < runs; run += Batch, x += Batch * Size, y += Batch * Size)
        {
            Vector256<float> sums = Sums(
                Add(values, x, y, 0), Add(values, x, y, 1), Add(values, x, y, 2), Add(values, x, y, 3),
                Add(values, x, y, 4), Add(values, x, y, 5), Add(values, x, y, 6), Add(values, x, y, 7));
            (sums * Share).Store(mean + run);
            values.Pass(Batch);
        }

        source = values;
    }

    // Computes y = x - mean, and r in the place of the mean.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Deviate(float* x, float* y, float* reciprocal, int runs, float epsilon)
    {
        for (int run = 0; run < runs; run += Batch, x += Batch * Size, y += Batch * Size)
        {
            float* mean = reciprocal + run;
            Vector256<float> squares = Sums(
                Deviation(x, y, mean, 0), Deviation(x, y, mean, 1), Deviation(x, y, mean, 2), Deviation(x, y, mean, 3),
                Deviation(x, y, mean, 4), Deviation(x, y, mean, 5), Deviation(x, y, mean, 6), Deviation(x, y, mean, 7));
            (Vector256<float>.One / Vector256.Sqrt((squares * Share) + Vector256.Create(epsilon))).Store(reciprocal + run);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale(float* y, float* reciprocal, int runs)
    {
        for (int run = 0; run < runs; run++, y += Size)
        {
            Vector512<float> r = Vector512.Create(reciprocal[run]);
            (Vector512.Load(y) * r).Store(y);
            (Vector512.Load(y + Half) * r).Store(y + Half);
        }
    }

    // Computes for each batch of runs: r, -r mean(a), -r mean(y a).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Project<TVector>(TVector vector, float* y, float* reciprocal, float* factors, float* a, float* terms, int runs)
        where TVector : struct, IJacobianVector
    {
        for (int run = 0; run < runs; run += Batch, y += Batch * Size, a += Batch * Size, terms += 3 * Batch)
        {
            Vector512<float> s0 = Add(vector, a, y, 0, out Vector512<float> t0), s1 = Add(vector, a, y, 1, out Vector512<float> t1);
            Vector512<float> s2 = Add(vector, a, y, 2, out Vector512<float> t2), s3 = Add(vector, a, y, 3, out Vector512<float> t3);
            Vector512<float> s4 = Add(vector, a, y, 4, out Vector512<float> t4), s5 = Add(vector, a, y, 5, out Vector512<float> t5);
            Vector512<float> s6 = Add(vector, a, y, 6, out Vector512<float> t6), s7 = Add(vector, a, y, 7, out Vector512<float> t7);
            Vector256<float> r = Vector256.Load(reciprocal + run);
            r = factors == null ? r : r * Vector256.Load(factors + run);
            r.Store(terms);
            (-r * Sums(s0, s1, s2, s3, s4, s5, s6, s7) * Share).Store(terms + Batch);
            (-r * Sums(t0, t1, t2, t3, t4, t5, t6, t7) * Share).Store(terms + (2 * Batch));
        }
    }

    // scale a + shift + along y
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Combine<TVector>(TVector vector, float* y, float* a, float* terms, float* result, int runs)
        where TVector : struct, IJacobianVector
    {
        for (int run = 0; run < runs; run += Batch, terms += 2 * Batch)
        {
            for (int i = 0; i < Batch; i++, terms++, y += Size, a += Size, result += Size)
            {
                Vector512<float> scale =
                    Vector512.Create(*terms), shift = Vector512.Create(terms[Batch]), along = Vector512.Create(terms[2 * Batch]);
                Vector512<float> y0 = Vector512.Load(y), y1 = Vector512.Load(y + Half);
                Vector512.FusedMultiplyAdd(y0, along, Vector512.FusedMultiplyAdd(vector.Load(a, y0), scale, shift)).Store(result);
                Vector512.FusedMultiplyAdd(y1, along, Vector512.FusedMultiplyAdd(vector.Load(a + Half, y1), scale, shift))
                    .Store(result + Half);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TSource>(in TSource values, float* x, float* y, int run)
        where TSource : struct, INormalizationSource
    {
        Vector512<float> a = values.Load(x + (run * Size), 0, run), b = values.Load(x + (run * Size), Half, run);
        if (!TSource.IsPlain)
        {
            a.Store(y + (run * Size));
            b.Store(y + (run * Size) + Half);
        }

        return a + b;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Deviation(float* x, float* y, float* mean, int run)
    {
        Vector512<float> m = Vector512.Create(mean[run]), a = Vector512.Load(x + (run * Size)) - m, b = Vector512.Load(
            x + (run * Size) + Half) - m;
        a.Store(y + (run * Size));
        b.Store(y + (run * Size) + Half);
        return Vector512.FusedMultiplyAdd(b, b, a * a);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TVector>(TVector vector, float* a, float* y, int run, out Vector512<float> inner)
        where TVector : struct, IJacobianVector
    {
        Vector512<float> y0 = Vector512.Load(y + (run * Size)), y1 = Vector512.Load(y + (run * Size) + Half);
        Vector512<float> a0 = vector.Load(a + (run * Size), y0), a1 = vector.Load(a + (run * Size) + Half, y1);
        inner = Vector512.FusedMultiplyAdd(a1, y1, a0 * y0);
        return a0 + a1;
    }

    // The sums of eight vectors, each by the additions of Reduction.Sums.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Sums(
        Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d,
        Vector512<float> e, Vector512<float> f, Vector512<float> g, Vector512<float> h)
    {
        if (!Avx512F.IsSupported)
        {
            return Vector256.Create(Reduction.Sums(a, b, c, d), Reduction.Sums(e, f, g, h));
        }

        Vector512<float> all = AddNeighbours(
            AddNeighbours(AddHalves(a, e), AddHalves(b, f)),
            AddNeighbours(AddHalves(c, g), AddHalves(d, h)));
        all += Avx512F.Shuffle4x128(all, all, 0xB1);
        return Avx512F.Shuffle4x128(all, all, 0x08).GetLower();
    }

    // Lower and upper half of a, then of b.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> AddHalves(Vector512<float> a, Vector512<float> b) =>
        Avx512F.Shuffle4x128(a, b, 0x44) + Avx512F.Shuffle4x128(a, b, 0xEE);

    // Of each four numbers of a two sums, then of those of b.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> AddNeighbours(Vector512<float> a, Vector512<float> b) =>
        Avx512F.Shuffle(a, b, 0x88) + Avx512F.Shuffle(a, b, 0xDD);
}
