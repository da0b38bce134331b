using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// Register tiles of the matrix product for 128-bit vectors: 6 rows of C by 8 or 4 columns.
/// </summary>
/// <remarks>
/// 6 x 8 keeps 12 accumulators, 2 vectors of B and one broadcast of A in the 16 registers of this width. See
/// <see cref="GemmTiles512"/> for the order of operations, which is the same at all widths.
/// </remarks>
internal static unsafe class GemmTiles128
{
    internal const int Rows = 6;
    internal const int Columns = 8;

    internal static void Multiply(TileProduct* tile)
    {
        if (!Fused.InHardware)
        {
            Composed(tile);
        }
        else if (tile->Columns == Columns)
        {
            Tile6x8(tile);
        }
        else
        {
            Tile6x4(tile);
        }
    }

    // The same sums where a fused multiply-add is composed of many instructions, so that registers and caches do not matter.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Composed(TileProduct* tile)
    {
        for (int row = 0; row < tile->Rows; row++)
        {
            for (int column = 0; column < tile->Columns; column += Vector128<float>.Count)
            {
                float* a = tile->A + (row * tile->RowStride), b = tile->B + column, c = tile->C + (row * tile->CStride) + column;
                Vector128<float> sum = tile->Accumulate ? Vector128.Load(c) : Vector128<float>.Zero;
                for (int l = 0; l < tile->K; l++, a += tile->StepStride, b += tile->Columns)
                {
                    sum = Fused.Compose(Vector128.Create(*a), Vector128.Load(b), sum);
                }

                sum.Store(c);
            }
        }
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
        Vector128<float> c00 = Vector128<float>.Zero, c01 = Vector128<float>.Zero;
        Vector128<float> c10 = Vector128<float>.Zero, c11 = Vector128<float>.Zero;
        Vector128<float> c20 = Vector128<float>.Zero, c21 = Vector128<float>.Zero;
        Vector128<float> c30 = Vector128<float>.Zero, c31 = Vector128<float>.Zero;
        Vector128<float> c40 = Vector128<float>.Zero, c41 = Vector128<float>.Zero;
        Vector128<float> c50 = Vector128<float>.Zero, c51 = Vector128<float>.Zero;
        if (tile->Accumulate)
        {
            c00 = Vector128.Load(c);
            c01 = Vector128.Load(c + 4);
            c10 = Vector128.Load(c + cStride);
            c11 = Vector128.Load(c + cStride + 4);
            c20 = Vector128.Load(c + 2 * cStride);
            c21 = Vector128.Load(c + 2 * cStride + 4);
            c30 = Vector128.Load(c + 3 * cStride);
            c31 = Vector128.Load(c + 3 * cStride + 4);
            c40 = Vector128.Load(c + 4 * cStride);
            c41 = Vector128.Load(c + 4 * cStride + 4);
            c50 = Vector128.Load(c + 5 * cStride);
            c51 = Vector128.Load(c + 5 * cStride + 4);
        }

        nint step = 0;
        for (int l = 0; l < k; l++)
        {
            Vector128<float> b0 = Vector128.Load(b);
            Vector128<float> b1 = Vector128.Load(b + 4);
            Vector128<float> x0 = Vector128.Create(a0[step]);
            c00 = Vector128.FusedMultiplyAdd(x0, b0, c00);
            c01 = Vector128.FusedMultiplyAdd(x0, b1, c01);
            Vector128<float> x1 = Vector128.Create(a1[step]);
            c10 = Vector128.FusedMultiplyAdd(x1, b0, c10);
            c11 = Vector128.FusedMultiplyAdd(x1, b1, c11);
            Vector128<float> x2 = Vector128.Create(a2[step]);
            c20 = Vector128.FusedMultiplyAdd(x2, b0, c20);
            c21 = Vector128.FusedMultiplyAdd(x2, b1, c21);
            Vector128<float> x3 = Vector128.Create(a3[step]);
            c30 = Vector128.FusedMultiplyAdd(x3, b0, c30);
            c31 = Vector128.FusedMultiplyAdd(x3, b1, c31);
            Vector128<float> x4 = Vector128.Create(a4[step]);
            c40 = Vector128.FusedMultiplyAdd(x4, b0, c40);
            c41 = Vector128.FusedMultiplyAdd(x4, b1, c41);
            Vector128<float> x5 = Vector128.Create(a5[step]);
            c50 = Vector128.FusedMultiplyAdd(x5, b0, c50);
            c51 = Vector128.FusedMultiplyAdd(x5, b1, c51);
            Prefetch.ToSecondCache(next);
            b += 8;
            step += stepStride;
            next += nextStep;
        }

        c00.Store(c);
        c01.Store(c + 4);
        c10.Store(c + cStride);
        c11.Store(c + cStride + 4);
        c20.Store(c + 2 * cStride);
        c21.Store(c + 2 * cStride + 4);
        c30.Store(c + 3 * cStride);
        c31.Store(c + 3 * cStride + 4);
        c40.Store(c + 4 * cStride);
        c41.Store(c + 4 * cStride + 4);
        c50.Store(c + 5 * cStride);
        c51.Store(c + 5 * cStride + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6x4(TileProduct* tile)
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
        Vector128<float> c00 = Vector128<float>.Zero;
        Vector128<float> c10 = Vector128<float>.Zero;
        Vector128<float> c20 = Vector128<float>.Zero;
        Vector128<float> c30 = Vector128<float>.Zero;
        Vector128<float> c40 = Vector128<float>.Zero;
        Vector128<float> c50 = Vector128<float>.Zero;
        if (tile->Accumulate)
        {
            c00 = Vector128.Load(c);
            c10 = Vector128.Load(c + cStride);
            c20 = Vector128.Load(c + 2 * cStride);
            c30 = Vector128.Load(c + 3 * cStride);
            c40 = Vector128.Load(c + 4 * cStride);
            c50 = Vector128.Load(c + 5 * cStride);
        }

        nint step = 0;
        for (int l = 0; l < k; l++)
        {
            Vector128<float> b0 = Vector128.Load(b);
            Vector128<float> x0 = Vector128.Create(a0[step]);
            c00 = Vector128.FusedMultiplyAdd(x0, b0, c00);
            Vector128<float> x1 = Vector128.Create(a1[step]);
            c10 = Vector128.FusedMultiplyAdd(x1, b0, c10);
            Vector128<float> x2 = Vector128.Create(a2[step]);
            c20 = Vector128.FusedMultiplyAdd(x2, b0, c20);
            Vector128<float> x3 = Vector128.Create(a3[step]);
            c30 = Vector128.FusedMultiplyAdd(x3, b0, c30);
            Vector128<float> x4 = Vector128.Create(a4[step]);
            c40 = Vector128.FusedMultiplyAdd(x4, b0, c40);
            Vector128<float> x5 = Vector128.Create(a5[step]);
            c50 = Vector128.FusedMultiplyAdd(x5, b0, c50);
            Prefetch.ToSecondCache(next);
            b += 4;
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
