using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>Writes and adds up the panels that a right-hand matrix is packed into for <see cref="Gemm"/>.</summary>
internal static unsafe class PackedPanels
{
    /// <summary>Packs some columns of a matrix into one panel [k, width]; columns beyond the matrix are 0.</summary>
    /// <param name="b">The stored matrix.</param>
    /// <param name="stride">Floats between the stored rows.</param>
    /// <param name="transposed">True if the matrix is stored [n, k].</param>
    /// <param name="k">Rows to pack.</param>
    /// <param name="column">The first column.</param>
    /// <param name="columns">Columns to pack.</param>
    /// <param name="width">Columns of the panel.</param>
    /// <param name="panel">Receives the panel.</param>
    internal static void Pack(float* b, nint stride, bool transposed, int k, int column, int columns, int width, float* panel)
    {
        if (transposed)
        {
            PackTransposed(b + (column * stride), stride, k, columns, width, panel);
            return;
        }

        RowCopy.Run(b + column, stride, k, columns, panel, width);
        for (int row = 0; columns < width && row < k; row++)
        {
            new Span<float>(panel + (row * width) + columns, width - columns).Clear();
        }
    }

    /// <summary>Adds rows of a panel to sums, each column as one chain in row order.</summary>
    /// <param name="panel">The panel [k, width].</param>
    /// <param name="width">Columns of the panel; whole vectors of 4.</param>
    /// <param name="k">Rows to add up.</param>
    /// <param name="sums">The sums [width] to start from, and the result.</param>
    /// <param name="step">Rows of the panel from a row to the next.</param>
    /// <remarks>
    /// Chains of 16 columns run side by side, four of them or two, because an addition waits for the one before.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void AddColumns(float* panel, int width, int k, float* sums, int step = 1)
    {
        int column = 0, stride = width * step;
        for (; column <= width - 64; column += 64)
        {
            Vector512<float> sum0 = Vector512.Load(sums + column), sum1 = Vector512.Load(sums + column + 16);
            Vector512<float> sum2 = Vector512.Load(sums + column + 32), sum3 = Vector512.Load(sums + column + 48);
            float* next = panel + column;
            for (int row = 0; row < k; row++, next += stride)
            {
                sum0 += Vector512.Load(next);
                sum1 += Vector512.Load(next + 16);
                sum2 += Vector512.Load(next + 32);
                sum3 += Vector512.Load(next + 48);
            }

            sum0.Store(sums + column);
            sum1.Store(sums + column + 16);
            sum2.Store(sums + column + 32);
            sum3.Store(sums + column + 48);
        }

        for (; column <= width - 32; column += 32)
        {
            Vector512<float> sum0 = Vector512.Load(sums + column), sum1 = Vector512.Load(sums + column + 16);
            float* next = panel + column;
            for (int row = 0; row < k; row++, next += stride)
            {
                sum0 += Vector512.Load(next);
                sum1 += Vector512.Load(next + 16);
            }

            sum0.Store(sums + column);
            sum1.Store(sums + column + 16);
        }

        for (; column < width; column += 4)
        {
            Vector128<float> sum = Vector128.Load(sums + column);
            float* next = panel + column;
            for (int row = 0; row < k; row++, next += stride)
            {
                sum += Vector128.Load(next);
            }

            sum.Store(sums + column);
        }
    }

    // Blocks of 8 stored rows by 8 steps go through registers; the rest goes number by number. All rows take the same 16 steps,
    // a cache line of each stored row, before the next 16, so that no line is fetched twice.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackTransposed(float* b, nint stride, int k, int columns, int width, float* panel)
    {
        for (int first = 0; first < k; first += 16)
        {
            int end = Math.Min(first + 16, k);
            int column = 0;
            for (; column <= columns - 8; column += 8)
            {
                int step = first;
                for (; step <= end - 8; step += 8)
                {
                    Transpose.Block8x8(b + (column * stride) + step, stride, panel + (step * width) + column, width);
                }

                for (; step < end; step++)
                {
                    for (int i = 0; i < 8; i++)
                    {
                        panel[(step * width) + column + i] = b[((column + i) * stride) + step];
                    }
                }
            }

            for (; column < width; column++)
            {
                for (int step = first; step < end; step++)
                {
                    panel[(step * width) + column] = column < columns ? b[(column * stride) + step] : 0;
                }
            }
        }
    }
}
