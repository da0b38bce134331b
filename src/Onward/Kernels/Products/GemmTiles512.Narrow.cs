using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <content>The narrow tiles: 8 rows of C by 32 or 16 columns.</content>
internal static unsafe partial class GemmTiles512
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x32(TileProduct* tile)
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
        float* a6 = a + Math.Min(6, last) * rowStride;
        float* a7 = a + Math.Min(7, last) * rowStride;
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero;
        Vector512<float> c40 = Vector512<float>.Zero, c41 = Vector512<float>.Zero;
        Vector512<float> c50 = Vector512<float>.Zero, c51 = Vector512<float>.Zero;
        Vector512<float> c60 = Vector512<float>.Zero, c61 = Vector512<float>.Zero;
        Vector512<float> c70 = Vector512<float>.Zero, c71 = Vector512<float>.Zero;
        if (tile->Accumulate)
        {
            c00 = Vector512.Load(c);
            c01 = Vector512.Load(c + 16);
            c10 = Vector512.Load(c + cStride);
            c11 = Vector512.Load(c + cStride + 16);
            c20 = Vector512.Load(c + 2 * cStride);
            c21 = Vector512.Load(c + 2 * cStride + 16);
            c30 = Vector512.Load(c + 3 * cStride);
            c31 = Vector512.Load(c + 3 * cStride + 16);
            c40 = Vector512.Load(c + 4 * cStride);
            c41 = Vector512.Load(c + 4 * cStride + 16);
            c50 = Vector512.Load(c + 5 * cStride);
            c51 = Vector512.Load(c + 5 * cStride + 16);
            c60 = Vector512.Load(c + 6 * cStride);
            c61 = Vector512.Load(c + 6 * cStride + 16);
            c70 = Vector512.Load(c + 7 * cStride);
            c71 = Vector512.Load(c + 7 * cStride + 16);
        }

        nint step = 0;
        float* ahead = a + (StepsAhead * stepStride);
        for (int l = 0; l < k; l++)
        {
            Vector512<float> b0 = Vector512.Load(b);
            Vector512<float> b1 = Vector512.Load(b + 16);
            Vector512<float> x0 = Vector512.Create(a0[step]);
            c00 = Vector512.FusedMultiplyAdd(x0, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(x0, b1, c01);
            Vector512<float> x1 = Vector512.Create(a1[step]);
            c10 = Vector512.FusedMultiplyAdd(x1, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(x1, b1, c11);
            Vector512<float> x2 = Vector512.Create(a2[step]);
            c20 = Vector512.FusedMultiplyAdd(x2, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(x2, b1, c21);
            Vector512<float> x3 = Vector512.Create(a3[step]);
            c30 = Vector512.FusedMultiplyAdd(x3, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(x3, b1, c31);
            Vector512<float> x4 = Vector512.Create(a4[step]);
            c40 = Vector512.FusedMultiplyAdd(x4, b0, c40);
            c41 = Vector512.FusedMultiplyAdd(x4, b1, c41);
            Vector512<float> x5 = Vector512.Create(a5[step]);
            c50 = Vector512.FusedMultiplyAdd(x5, b0, c50);
            c51 = Vector512.FusedMultiplyAdd(x5, b1, c51);
            Vector512<float> x6 = Vector512.Create(a6[step]);
            c60 = Vector512.FusedMultiplyAdd(x6, b0, c60);
            c61 = Vector512.FusedMultiplyAdd(x6, b1, c61);
            Vector512<float> x7 = Vector512.Create(a7[step]);
            c70 = Vector512.FusedMultiplyAdd(x7, b0, c70);
            c71 = Vector512.FusedMultiplyAdd(x7, b1, c71);
            Prefetch.ToSecondCache(next);
            Prefetch.ToFirstCache(ahead + step);
            b += 32;
            step += stepStride;
            next += nextStep;
        }

        c00.Store(c);
        c01.Store(c + 16);
        c10.Store(c + cStride);
        c11.Store(c + cStride + 16);
        c20.Store(c + 2 * cStride);
        c21.Store(c + 2 * cStride + 16);
        c30.Store(c + 3 * cStride);
        c31.Store(c + 3 * cStride + 16);
        c40.Store(c + 4 * cStride);
        c41.Store(c + 4 * cStride + 16);
        c50.Store(c + 5 * cStride);
        c51.Store(c + 5 * cStride + 16);
        c60.Store(c + 6 * cStride);
        c61.Store(c + 6 * cStride + 16);
        c70.Store(c + 7 * cStride);
        c71.Store(c + 7 * cStride + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x16(TileProduct* tile)
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
        float* a6 = a + Math.Min(6, last) * rowStride;
        float* a7 = a + Math.Min(7, last) * rowStride;
        Vector512<float> c00 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero;
        Vector512<float> c40 = Vector512<float>.Zero;
        Vector512<float> c50 = Vector512<float>.Zero;
        Vector512<float> c60 = Vector512<float>.Zero;
        Vector512<float> c70 = Vector512<float>.Zero;
        if (tile->Accumulate)
        {
            c00 = Vector512.Load(c);
            c10 = Vector512.Load(c + cStride);
            c20 = Vector512.Load(c + 2 * cStride);
            c30 = Vector512.Load(c + 3 * cStride);
            c40 = Vector512.Load(c + 4 * cStride);
            c50 = Vector512.Load(c + 5 * cStride);
            c60 = Vector512.Load(c + 6 * cStride);
            c70 = Vector512.Load(c + 7 * cStride);
        }

        nint step = 0;
        float* ahead = a + (StepsAhead * stepStride);
        for (int l = 0; l < k; l++)
        {
            Vector512<float> b0 = Vector512.Load(b);
            Vector512<float> x0 = Vector512.Create(a0[step]);
            c00 = Vector512.FusedMultiplyAdd(x0, b0, c00);
            Vector512<float> x1 = Vector512.Create(a1[step]);
            c10 = Vector512.FusedMultiplyAdd(x1, b0, c10);
            Vector512<float> x2 = Vector512.Create(a2[step]);
            c20 = Vector512.FusedMultiplyAdd(x2, b0, c20);
            Vector512<float> x3 = Vector512.Create(a3[step]);
            c30 = Vector512.FusedMultiplyAdd(x3, b0, c30);
            Vector512<float> x4 = Vector512.Create(a4[step]);
            c40 = Vector512.FusedMultiplyAdd(x4, b0, c40);
            Vector512<float> x5 = Vector512.Create(a5[step]);
            c50 = Vector512.FusedMultiplyAdd(x5, b0, c50);
            Vector512<float> x6 = Vector512.Create(a6[step]);
            c60 = Vector512.FusedMultiplyAdd(x6, b0, c60);
            Vector512<float> x7 = Vector512.Create(a7[step]);
            c70 = Vector512.FusedMultiplyAdd(x7, b0, c70);
            Prefetch.ToSecondCache(next);
            Prefetch.ToFirstCache(ahead + step);
            b += 16;
            step += stepStride;
            next += nextStep;
        }

        c00.Store(c);
        c10.Store(c + cStride);
        c20.Store(c + 2 * cStride);
        c30.Store(c + 3 * cStride);
        c40.Store(c + 4 * cStride);
        c50.Store(c + 5 * cStride);
        c60.Store(c + 6 * cStride);
        c70.Store(c + 7 * cStride);
    }
}
