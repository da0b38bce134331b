using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// Register tiles of the matrix product for 512-bit vectors: 6 rows of C by 64 columns, or 8 rows by 32 or 16.
/// </summary>
/// <remarks>
/// <para>
/// 6 x 64 keeps 24 accumulators, 4 vectors of B and one broadcast of A in the 32 registers. One step of k costs 24 fused
/// multiply-adds (768 FLOP) for 4 vector loads and 6 broadcasts: the two multiply-add ports are the limit, not the loads. Of all
/// shapes with 24 accumulators, this one loads least, and its panels leave no remainder of 256, 512 or 2048 columns. It is 3 % faster
/// than 8 x 48 at 64 x 512 x 512, and 6 % faster if A is transposed. The tile 4 x 64 computes the last rows of 64.
/// </para>
/// <para>
/// The narrower tiles compute the remaining columns and the small matrices of grouped layers.
/// </para>
/// <para>
/// If A is read as its transpose, each step reads another row of memory, one cache line. The processor's own prefetching does not
/// predict these lines, and they compete for few sets of the first cache. So the tile fetches them some steps ahead.
/// </para>
/// <para>
/// The accumulators start from C (or zero) and run over k in order. So an element of C is one chain of multiply-adds, even if the
/// caller cuts m, n or k into pieces, and results do not depend on tile sizes or threads.
/// </para>
/// </remarks>
internal static unsafe partial class GemmTiles512
{
    internal const int Rows = 6;
    internal const int NarrowRows = 8;
    internal const int Columns = 64;

    // Steps that take about 200 cycles: the time to fetch a line of A from the third cache.
    private const int StepsAhead = 16;

    internal static void Multiply(TileProduct* tile)
    {
        switch (tile->Columns)
        {
            case 64 when tile->Rows > 4:
                Tile6x64(tile);
                break;
            case 64:
                Tile4x64(tile);
                break;
            case 32:
                Tile8x32(tile);
                break;
            default:
                Tile8x16(tile);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6x64(TileProduct* tile)
    {
        nint rowStride = tile->RowStride, stepStride = tile->StepStride, cStride = tile->CStride, nextStep = tile->NextStep;
        float* a = tile->A;
        float* b = tile->B;
        float* c = tile->C;
        byte* next = tile->Next;
        int k = tile->K, last = tile->Rows - 1;
        float* a0 = a;
        float* a1 = a + Math.Min(1, last) * rowStride;
        float* a2 = a + Math.Min(2, last) * rowStride;
        float* a3 = a + Math.Min(3, last) * rowStride;
        float* a4 = a + Math.Min(4, last) * rowStride;
        float* a5 = a + Math.Min(5, last) * rowStride;
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero, c02 = Vector512<float>.Zero, c03 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero, c12 = Vector512<float>.Zero, c13 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero, c22 = Vector512<float>.Zero, c23 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero, c32 = Vector512<float>.Zero, c33 = Vector512<float>.Zero;
        Vector512<float> c40 = Vector512<float>.Zero, c41 = Vector512<float>.Zero, c42 = Vector512<float>.Zero, c43 = Vector512<float>.Zero;
        Vector512<float> c50 = Vector512<float>.Zero, c51 = Vector512<float>.Zero, c52 = Vector512<float>.Zero, c53 = Vector512<float>.Zero;
        if (tile->Accumulate)
        {
            c00 = Vector512.Load(c);
            c01 = Vector512.Load(c + 16);
            c02 = Vector512.Load(c + 32);
            c03 = Vector512.Load(c + 48);
            c10 = Vector512.Load(c + cStride);
            c11 = Vector512.Load(c + cStride + 16);
            c12 = Vector512.Load(c + cStride + 32);
            c13 = Vector512.Load(c + cStride + 48);
            c20 = Vector512.Load(c + 2 * cStride);
            c21 = Vector512.Load(c + 2 * cStride + 16);
            c22 = Vector512.Load(c + 2 * cStride + 32);
            c23 = Vector512.Load(c + 2 * cStride + 48);
            c30 = Vector512.Load(c + 3 * cStride);
            c31 = Vector512.Load(c + 3 * cStride + 16);
            c32 = Vector512.Load(c + 3 * cStride + 32);
            c33 = Vector512.Load(c + 3 * cStride + 48);
            c40 = Vector512.Load(c + 4 * cStride);
            c41 = Vector512.Load(c + 4 * cStride + 16);
            c42 = Vector512.Load(c + 4 * cStride + 32);
            c43 = Vector512.Load(c + 4 * cStride + 48);
            c50 = Vector512.Load(c + 5 * cStride);
            c51 = Vector512.Load(c + 5 * cStride + 16);
            c52 = Vector512.Load(c + 5 * cStride + 32);
            c53 = Vector512.Load(c + 5 * cStride + 48);
        }

        nint step = 0;
        float* ahead = a + (StepsAhead * stepStride);
        for (int l = 0; l < k; l++)
        {
            Vector512<float> b0 = Vector512.Load(b);
            Vector512<float> b1 = Vector512.Load(b + 16);
            Vector512<float> b2 = Vector512.Load(b + 32);
            Vector512<float> b3 = Vector512.Load(b + 48);
            Vector512<float> x0 = Vector512.Create(a0[step]);
            c00 = Vector512.FusedMultiplyAdd(x0, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(x0, b1, c01);
            c02 = Vector512.FusedMultiplyAdd(x0, b2, c02);
            c03 = Vector512.FusedMultiplyAdd(x0, b3, c03);
            Vector512<float> x1 = Vector512.Create(a1[step]);
            c10 = Vector512.FusedMultiplyAdd(x1, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(x1, b1, c11);
            c12 = Vector512.FusedMultiplyAdd(x1, b2, c12);
            c13 = Vector512.FusedMultiplyAdd(x1, b3, c13);
            Vector512<float> x2 = Vector512.Create(a2[step]);
            c20 = Vector512.FusedMultiplyAdd(x2, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(x2, b1, c21);
            c22 = Vector512.FusedMultiplyAdd(x2, b2, c22);
            c23 = Vector512.FusedMultiplyAdd(x2, b3, c23);
            Vector512<float> x3 = Vector512.Create(a3[step]);
            c30 = Vector512.FusedMultiplyAdd(x3, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(x3, b1, c31);
            c32 = Vector512.FusedMultiplyAdd(x3, b2, c32);
            c33 = Vector512.FusedMultiplyAdd(x3, b3, c33);
            Vector512<float> x4 = Vector512.Create(a4[step]);
            c40 = Vector512.FusedMultiplyAdd(x4, b0, c40);
            c41 = Vector512.FusedMultiplyAdd(x4, b1, c41);
            c42 = Vector512.FusedMultiplyAdd(x4, b2, c42);
            c43 = Vector512.FusedMultiplyAdd(x4, b3, c43);
            Vector512<float> x5 = Vector512.Create(a5[step]);
            c50 = Vector512.FusedMultiplyAdd(x5, b0, c50);
            c51 = Vector512.FusedMultiplyAdd(x5, b1, c51);
            c52 = Vector512.FusedMultiplyAdd(x5, b2, c52);
            c53 = Vector512.FusedMultiplyAdd(x5, b3, c53);
            Prefetch.ToSecondCache(next);
            Prefetch.ToFirstCache(ahead + step);
            b += 64;
            step += stepStride;
            next += nextStep;
        }

        c00.Store(c);
        c01.Store(c + 16);
        c02.Store(c + 32);
        c03.Store(c + 48);
        c10.Store(c + cStride);
        c11.Store(c + cStride + 16);
        c12.Store(c + cStride + 32);
        c13.Store(c + cStride + 48);
        c20.Store(c + 2 * cStride);
        c21.Store(c + 2 * cStride + 16);
        c22.Store(c + 2 * cStride + 32);
        c23.Store(c + 2 * cStride + 48);
        c30.Store(c + 3 * cStride);
        c31.Store(c + 3 * cStride + 16);
        c32.Store(c + 3 * cStride + 32);
        c33.Store(c + 3 * cStride + 48);
        c40.Store(c + 4 * cStride);
        c41.Store(c + 4 * cStride + 16);
        c42.Store(c + 4 * cStride + 32);
        c43.Store(c + 4 * cStride + 48);
        c50.Store(c + 5 * cStride);
        c51.Store(c + 5 * cStride + 16);
        c52.Store(c + 5 * cStride + 32);
        c53.Store(c + 5 * cStride + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x64(TileProduct* tile)
    {
        nint rowStride = tile->RowStride, stepStride = tile->StepStride, cStride = tile->CStride, nextStep = tile->NextStep;
        float* a = tile->A;
        float* b = tile->B;
        float* c = tile->C;
        byte* next = tile->Next;
        int k = tile->K, last = tile->Rows - 1;
        float* a0 = a;
        float* a1 = a + Math.Min(1, last) * rowStride;
        float* a2 = a + Math.Min(2, last) * rowStride;
        float* a3 = a + Math.Min(3, last) * rowStride;
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero, c02 = Vector512<float>.Zero, c03 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero, c12 = Vector512<float>.Zero, c13 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero, c22 = Vector512<float>.Zero, c23 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero, c32 = Vector512<float>.Zero, c33 = Vector512<float>.Zero;
        if (tile->Accumulate)
        {
            c00 = Vector512.Load(c);
            c01 = Vector512.Load(c + 16);
            c02 = Vector512.Load(c + 32);
            c03 = Vector512.Load(c + 48);
            c10 = Vector512.Load(c + cStride);
            c11 = Vector512.Load(c + cStride + 16);
            c12 = Vector512.Load(c + cStride + 32);
            c13 = Vector512.Load(c + cStride + 48);
            c20 = Vector512.Load(c + 2 * cStride);
            c21 = Vector512.Load(c + 2 * cStride + 16);
            c22 = Vector512.Load(c + 2 * cStride + 32);
            c23 = Vector512.Load(c + 2 * cStride + 48);
            c30 = Vector512.Load(c + 3 * cStride);
            c31 = Vector512.Load(c + 3 * cStride + 16);
            c32 = Vector512.Load(c + 3 * cStride + 32);
            c33 = Vector512.Load(c + 3 * cStride + 48);
        }

        nint step = 0;
        float* ahead = a + (StepsAhead * stepStride);
        for (int l = 0; l < k; l++)
        {
            Vector512<float> b0 = Vector512.Load(b);
            Vector512<float> b1 = Vector512.Load(b + 16);
            Vector512<float> b2 = Vector512.Load(b + 32);
            Vector512<float> b3 = Vector512.Load(b + 48);
            Vector512<float> x0 = Vector512.Create(a0[step]);
            c00 = Vector512.FusedMultiplyAdd(x0, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(x0, b1, c01);
            c02 = Vector512.FusedMultiplyAdd(x0, b2, c02);
            c03 = Vector512.FusedMultiplyAdd(x0, b3, c03);
            Vector512<float> x1 = Vector512.Create(a1[step]);
            c10 = Vector512.FusedMultiplyAdd(x1, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(x1, b1, c11);
            c12 = Vector512.FusedMultiplyAdd(x1, b2, c12);
            c13 = Vector512.FusedMultiplyAdd(x1, b3, c13);
            Vector512<float> x2 = Vector512.Create(a2[step]);
            c20 = Vector512.FusedMultiplyAdd(x2, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(x2, b1, c21);
            c22 = Vector512.FusedMultiplyAdd(x2, b2, c22);
            c23 = Vector512.FusedMultiplyAdd(x2, b3, c23);
            Vector512<float> x3 = Vector512.Create(a3[step]);
            c30 = Vector512.FusedMultiplyAdd(x3, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(x3, b1, c31);
            c32 = Vector512.FusedMultiplyAdd(x3, b2, c32);
            c33 = Vector512.FusedMultiplyAdd(x3, b3, c33);
            Prefetch.ToSecondCache(next);
            Prefetch.ToFirstCache(ahead + step);
            b += 64;
            step += stepStride;
            next += nextStep;
        }

        c00.Store(c);
        c01.Store(c + 16);
        c02.Store(c + 32);
        c03.Store(c + 48);
        c10.Store(c + cStride);
        c11.Store(c + cStride + 16);
        c12.Store(c + cStride + 32);
        c13.Store(c + cStride + 48);
        c20.Store(c + 2 * cStride);
        c21.Store(c + 2 * cStride + 16);
        c22.Store(c + 2 * cStride + 32);
        c23.Store(c + 2 * cStride + 48);
        c30.Store(c + 3 * cStride);
        c31.Store(c + 3 * cStride + 16);
        c32.Store(c + 3 * cStride + 32);
        c33.Store(c + 3 * cStride + 48);
    }
}
