using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// Register tiles of the matrix product for 256-bit vectors: 6 rows of C by 16 or 8 columns.
/// </summary>
/// <remarks>
/// 6 x 16 keeps 12 accumulators, 2 vectors of B and one broadcast of A in the 16 registers of this width. See
/// <see cref="GemmTiles512"/> for the order of operations, which is the same at all widths.
/// </remarks>
internal static unsafe class GemmTiles256
{
    internal const int Rows = 6;
    internal const int Columns = 16;

    internal static void Multiply(TileProduct* tile)
    {
        if (tile->Columns == Columns)
        {
            Tile6x16(tile);
        }
        else
        {
            Tile6x8(tile);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6x16(TileProduct* tile)
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
        Vector256<float> c00 = Vector256<float>.Zero, c01 = Vector256<float>.Zero;
        Vector256<float> c10 = Vector256<float>.Zero, c11 = Vector256<float>.Zero;
        Vector256<float> c20 = Vector256<float>.Zero, c21 = Vector256<float>.Zero;
        Vector256<float> c30 = Vector256<float>.Zero, c31 = Vector256<float>.Zero;
        Vector256<float> c40 = Vector256<float>.Zero, c41 = Vector256<float>.Zero;
        Vector256<float> c50 = Vector256<float>.Zero, c51 = Vector256<float>.Zero;
        if (tile->Accumulate)
        {
            c00 = Vector256.Load(c);
            c01 = Vector256.Load(c + 8);
            c10 = Vector256.Load(c + cStride);
            c11 = Vector256.Load(c + cStride + 8);
            c20 = Vector256.Load(c + 2 * cStride);
            c21 = Vector256.Load(c + 2 * cStride + 8);
            c30 = Vector256.Load(c + 3 * cStride);
            c31 = Vector256.Load(c + 3 * cStride + 8);
            c40 = Vector256.Load(c + 4 * cStride);
            c41 = Vector256.Load(c + 4 * cStride + 8);
            c50 = Vector256.Load(c + 5 * cStride);
            c51 = Vector256.Load(c + 5 * cStride + 8);
        }

        nint step = 0;
        for (int l = 0; l < k; l++)
        {
            Vector256<float> b0 = Vector256.Load(b);
            Vector256<float> b1 = Vector256.Load(b + 8);
            Vector256<float> x0 = Vector256.Create(a0[step]);
            c00 = Vector256.FusedMultiplyAdd(x0, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(x0, b1, c01);
            Vector256<float> x1 = Vector256.Create(a1[step]);
            c10 = Vector256.FusedMultiplyAdd(x1, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(x1, b1, c11);
            Vector256<float> x2 = Vector256.Create(a2[step]);
            c20 = Vector256.FusedMultiplyAdd(x2, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(x2, b1, c21);
            Vector256<float> x3 = Vector256.Create(a3[step]);
            c30 = Vector256.FusedMultiplyAdd(x3, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(x3, b1, c31);
            Vector256<float> x4 = Vector256.Create(a4[step]);
            c40 = Vector256.FusedMultiplyAdd(x4, b0, c40);
            c41 = Vector256.FusedMultiplyAdd(x4, b1, c41);
            Vector256<float> x5 = Vector256.Create(a5[step]);
            c50 = Vector256.FusedMultiplyAdd(x5, b0, c50);
            c51 = Vector256.FusedMultiplyAdd(x5, b1, c51);
            Prefetch.ToSecondCache(next);
            b += 16;
            step += stepStride;
            next += nextStep;
        }

        c00.Store(c);
        c01.Store(c + 8);
        c10.Store(c + cStride);
        c11.Store(c + cStride + 8);
        c20.Store(c + 2 * cStride);
        c21.Store(c + 2 * cStride + 8);
        c30.Store(c + 3 * cStride);
        c31.Store(c + 3 * cStride + 8);
        c40.Store(c + 4 * cStride);
        c41.Store(c + 4 * cStride + 8);
        c50.Store(c + 5 * cStride);
        c51.Store(c + 5 * cStride + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6x8(TileProduct* tile)
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
        Vector256<float> c00 = Vector256<float>.Zero;
        Vector256<float> c10 = Vector256<float>.Zero;
        Vector256<float> c20 = Vector256<float>.Zero;
        Vector256<float> c30 = Vector256<float>.Zero;
        Vector256<float> c40 = Vector256<float>.Zero;
        Vector256<float> c50 = Vector256<float>.Zero;
        if (tile->Accumulate)
        {
            c00 = Vector256.Load(c);
            c10 = Vector256.Load(c + cStride);
            c20 = Vector256.Load(c + 2 * cStride);
            c30 = Vector256.Load(c + 3 * cStride);
            c40 = Vector256.Load(c + 4 * cStride);
            c50 = Vector256.Load(c + 5 * cStride);
        }

        nint step = 0;
        for (int l = 0; l < k; l++)
        {
            Vector256<float> b0 = Vector256.Load(b);
            Vector256<float> x0 = Vector256.Create(a0[step]);
            c00 = Vector256.FusedMultiplyAdd(x0, b0, c00);
            Vector256<float> x1 = Vector256.Create(a1[step]);
            c10 = Vector256.FusedMultiplyAdd(x1, b0, c10);
            Vector256<float> x2 = Vector256.Create(a2[step]);
            c20 = Vector256.FusedMultiplyAdd(x2, b0, c20);
            Vector256<float> x3 = Vector256.Create(a3[step]);
            c30 = Vector256.FusedMultiplyAdd(x3, b0, c30);
            Vector256<float> x4 = Vector256.Create(a4[step]);
            c40 = Vector256.FusedMultiplyAdd(x4, b0, c40);
            Vector256<float> x5 = Vector256.Create(a5[step]);
            c50 = Vector256.FusedMultiplyAdd(x5, b0, c50);
            Prefetch.ToSecondCache(next);
            b += 8;
            step += stepStride;
            next += nextStep;
        }

        c00.Store(c);
        c10.Store(c + cStride);
        c20.Store(c + 2 * cStride);
        c30.Store(c + 3 * cStride);
        c40.Store(c + 4 * cStride);
        c50.Store(c + 5 * cStride);
    }
}
