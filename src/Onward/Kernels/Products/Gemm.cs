using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>How the left-hand matrix of a product is stored.</summary>
public enum GemmLeft
{
    /// <summary>A is stored [m, k], row-major.</summary>
    Plain,

    /// <summary>A is stored [k, m], row-major, and read as its transpose.</summary>
    Transposed,
}

/// <summary>
/// Single-threaded float32 matrix product C[m, n] = or += op(A)[m, k] op(B)[k, n], all row-major, any sizes.
/// </summary>
/// <remarks>
/// <para>
/// 2 m n k FLOP. B is packed into panels as wide as the register tile, each panel one run of memory [k, columns], and may
/// be kept packed as long as it does not change (weights: once a step). A is read where it lies: a tile's broadcasts walk
/// 8 rows, or 8 neighbouring columns, which the first cache serves. Neither m nor k is cut into cache blocks: with 48 KB
/// of first and 1 MB of second cache the panels stream faster than the tile consumes them, up to k of several thousand,
/// once they are in the second cache; and while one is multiplied the next is fetched there, which is worth 3 to 7 % of a
/// training step, since what the step does between two products pushes the panels out.
/// </para>
/// <para>
/// Every element of C is a single chain of fused multiply-adds over k in order, starting from C when accumulating. So a
/// product cut into pieces along k, m or n, on any threads, gives the same bits.
/// </para>
/// </remarks>
public static unsafe class Gemm
{
    /// <summary>Bits of the vectors that kernels work on. Sums go in another order at another width, so last bits differ.</summary>
    public static int VectorBits => 32 * GemmTiles.Best.Vector;

    /// <summary>Floats that <c>Pack</c> writes for a right-hand matrix [k, n], padding included.</summary>
    /// <param name="k">Rows of B (the length of the sums).</param>
    /// <param name="n">Columns of B.</param>
    public static int PackedLength(int k, int n) => PackedLength(GemmTiles.Best, k, n);

    /// <summary>Floats of workspace that <c>Multiply</c> needs: one packed panel.</summary>
    /// <param name="k">The length of the sums.</param>
    public static int WorkspaceLength(int k) => k * GemmTiles.Best.Columns;

    /// <summary>Packs rows of a right-hand matrix.</summary>
    /// <param name="b">B [k, n], or [n, k] if <paramref name="transposed"/>.</param>
    /// <param name="stride">Floats between the rows of <paramref name="b"/> as stored.</param>
    /// <param name="transposed">Whether <paramref name="b"/> is stored [n, k].</param>
    /// <param name="k">Rows of op(B) to pack.</param>
    /// <param name="n">Columns of op(B).</param>
    /// <param name="packed">Receives the panels; at least <c>PackedLength(capacity, n)</c> floats.</param>
    /// <param name="capacity">Rows for which <paramref name="packed"/> is laid out: at least firstRow + k.</param>
    /// <param name="firstRow">Row of the packed matrix that the first row goes to.</param>
    /// <param name="panel">The one panel to pack, below <see cref="Panels"/>; all of them if negative.</param>
    /// <exception cref="ArgumentException">A span is too short for the sizes given, or <paramref name="firstRow"/> is negative.</exception>
    public static void Pack(
        ReadOnlySpan<float> b,
        int stride,
        bool transposed,
        int k,
        int n,
        Span<float> packed,
        int capacity,
        int firstRow = 0,
        int panel = -1) =>
        Pack(GemmTiles.Best, b, stride, transposed, k, n, packed, capacity, firstRow, panel);

    /// <summary>Brings some columns of A [k, m] together, [k, columns].</summary>
    /// <remarks>
    /// A product that reads A as its transpose is faster so where the rows lie a power of two of bytes apart: the few numbers it takes of
    /// each would meet in a few sets of the cache.
    /// </remarks>
    /// <param name="a">A, from its first row.</param>
    /// <param name="aStride">Floats between the rows of A.</param>
    /// <param name="first">The first column.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="k">Rows.</param>
    /// <param name="target">Receives them; at least <paramref name="k"/> <paramref name="columns"/> floats.</param>
    /// <exception cref="ArgumentException">A span is too short for the sizes given.</exception>
    public static void Gather(ReadOnlySpan<float> a, int aStride, int first, int columns, int k, Span<float> target)
    {
        Require(a.Length, Extent(k, first + columns, aStride), nameof(a));
        Require(target.Length, (long)k * columns, nameof(target));
        fixed (float* source = a, together = target)
        {
            RowCopy.Run(source + first, aStride, k, columns, together, columns);
        }
    }

    /// <summary>Panels that a right-hand matrix of <paramref name="n"/> columns is packed into.</summary>
    /// <param name="n">Columns of B.</param>
    public static int Panels(int n) => (n + GemmTiles.Best.Columns - 1) / GemmTiles.Best.Columns;

    /// <summary>C = or += op(A) B for a packed B.</summary>
    /// <param name="left">How A is stored.</param>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">The length of the sums.</param>
    /// <param name="a">A, [m, k] or [k, m].</param>
    /// <param name="aStride">Floats between the stored rows of A.</param>
    /// <param name="packed">B as <c>Pack</c> left it.</param>
    /// <param name="capacity">Rows for which <paramref name="packed"/> is laid out.</param>
    /// <param name="firstRow">Row of the packed matrix that the sums start at.</param>
    /// <param name="c">C [m, n].</param>
    /// <param name="cStride">Floats between the rows of C.</param>
    /// <param name="accumulate">Whether to add to C instead of overwriting it.</param>
    /// <param name="upcoming">Memory that is needed after the product, to be fetched into the second cache beside it.</param>
    /// <exception cref="ArgumentException">A span is too short for the sizes given, or <paramref name="firstRow"/> is negative.</exception>
    public static void MultiplyPacked(
        GemmLeft left,
        int m,
        int n,
        int k,
        ReadOnlySpan<float> a,
        int aStride,
        ReadOnlySpan<float> packed,
        int capacity,
        int firstRow,
        Span<float> c,
        int cStride,
        bool accumulate,
        ReadOnlySpan<float> upcoming = default) =>
        MultiplyPacked(GemmTiles.Best, left, m, n, k, a, aStride, packed, capacity, firstRow, c, cStride, accumulate, upcoming);

    /// <summary>C = or += op(A) op(B), packing one panel of B at a time.</summary>
    /// <param name="left">How A is stored.</param>
    /// <param name="rightTransposed">Whether B is stored [n, k].</param>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">The length of the sums.</param>
    /// <param name="a">A, [m, k] or [k, m].</param>
    /// <param name="aStride">Floats between the stored rows of A.</param>
    /// <param name="b">B, [k, n] or [n, k].</param>
    /// <param name="bStride">Floats between the stored rows of B.</param>
    /// <param name="c">C [m, n].</param>
    /// <param name="cStride">Floats between the rows of C.</param>
    /// <param name="accumulate">Whether to add to C instead of overwriting it.</param>
    /// <param name="workspace">At least <c>WorkspaceLength(k)</c> floats.</param>
    /// <param name="upcoming">Memory that is needed after the product, to be fetched into the second cache beside it.</param>
    /// <exception cref="ArgumentException">A span is too short for the sizes given.</exception>
    public static void Multiply(
        GemmLeft left,
        bool rightTransposed,
        int m,
        int n,
        int k,
        ReadOnlySpan<float> a,
        int aStride,
        ReadOnlySpan<float> b,
        int bStride,
        Span<float> c,
        int cStride,
        bool accumulate,
        Span<float> workspace,
        ReadOnlySpan<float> upcoming = default) =>
        Multiply(GemmTiles.Best, left, rightTransposed, m, n, k, a, aStride, b, bStride, c, cStride, accumulate, workspace, upcoming);

    /// <summary>sums[n] = or += the column sums of k rows of a packed matrix, each a single chain in row order.</summary>
    /// <param name="packed">A matrix as <c>Pack</c> left it.</param>
    /// <param name="capacity">Rows for which <paramref name="packed"/> is laid out.</param>
    /// <param name="k">Rows to add up, from row 0.</param>
    /// <param name="sums">The sums [n].</param>
    /// <param name="accumulate">Whether to add to <paramref name="sums"/> instead of overwriting them.</param>
    /// <exception cref="ArgumentException"><paramref name="packed"/> is too short for the sizes given.</exception>
    public static void ColumnSums(ReadOnlySpan<float> packed, int capacity, int k, Span<float> sums, bool accumulate)
    {
        GemmTiles tiles = GemmTiles.Best;
        Require(packed.Length, PackedLength(tiles, capacity, sums.Length), nameof(packed));
        Require(capacity, k, nameof(capacity));
        Span<float> chain = stackalloc float[tiles.Columns];
        fixed (float* source = packed, chains = chain)
        {
            for (int column = 0; column < sums.Length; column += tiles.Columns)
            {
                int width = tiles.PanelColumns(column, sums.Length);
                Span<float> target = sums.Slice(column, Math.Min(tiles.Columns, sums.Length - column));
                chain.Clear();
                if (accumulate)
                {
                    target.CopyTo(chain);
                }

                ColumnChains(source + (column * capacity), width, k, chains);

                chain[..target.Length].CopyTo(target);
            }
        }
    }

    // Chains of sixteen columns each, four of them or two side by side, as an addition waits for the one before.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ColumnChains(float* source, int width, int k, float* chains)
    {
        int column = 0;
        for (; column <= width - 64; column += 64)
        {
            Vector512<float> sum0 = Vector512.Load(chains + column), sum1 = Vector512.Load(
                chains + column + 16), sum2 = Vector512.Load(chains + column + 32), sum3 = Vector512.Load(chains + column + 48);
            float* next = source + column;
            for (int row = 0; row < k; row++, next += width)
            {
                sum0 += Vector512.Load(next);
                sum1 += Vector512.Load(next + 16);
                sum2 += Vector512.Load(next + 32);
                sum3 += Vector512.Load(next + 48);
            }

            sum0.Store(chains + column);
            sum1.Store(chains + column + 16);
            sum2.Store(chains + column + 32);
            sum3.Store(chains + column + 48);
        }

        for (; column <= width - 32; column += 32)
        {
            Vector512<float> sum0 = Vector512.Load(chains + column), sum1 = Vector512.Load(chains + column + 16);
            float* next = source + column;
            for (int row = 0; row < k; row++, next += width)
            {
                sum0 += Vector512.Load(next);
                sum1 += Vector512.Load(next + 16);
            }

            sum0.Store(chains + column);
            sum1.Store(chains + column + 16);
        }

        for (; column < width; column += 4)
        {
            Vector128<float> sum = Vector128.Load(chains + column);
            float* next = source + column;
            for (int row = 0; row < k; row++, next += width)
            {
                sum += Vector128.Load(next);
            }

            sum.Store(chains + column);
        }
    }

    internal static int PackedLength(GemmTiles tiles, int k, int n)
    {
        int full = n / tiles.Columns * tiles.Columns;
        return checked(k * (full + (full < n ? tiles.PanelColumns(full, n) : 0)));
    }

    internal static void Pack(
        GemmTiles tiles,
        ReadOnlySpan<float> b,
        int stride,
        bool transposed,
        int k,
        int n,
        Span<float> packed,
        int capacity,
        int firstRow,
        int panel = -1)
    {
        Require(b.Length, Extent(transposed ? n : k, transposed ? k : n, stride), nameof(b));
        Require(packed.Length, PackedLength(tiles, capacity, n), nameof(packed));
        RequireRows(capacity, firstRow, k);
        fixed (float* source = b, target = packed)
        {
            int end = panel < 0 ? n : Math.Min(n, (panel + 1) * tiles.Columns);
            for (int column = Math.Max(0, panel) * tiles.Columns; column < end; column += tiles.Columns)
            {
                int width = tiles.PanelColumns(column, n);
                float* rows = target + (column * capacity) + (firstRow * width);
                PackPanel(source, stride, transposed, k, column, Math.Min(tiles.Columns, n - column), width, rows);
            }
        }
    }

    internal static void MultiplyPacked(
        GemmTiles tiles,
        GemmLeft left,
        int m,
        int n,
        int k,
        ReadOnlySpan<float> a,
        int aStride,
        ReadOnlySpan<float> packed,
        int capacity,
        int firstRow,
        Span<float> c,
        int cStride,
        bool accumulate,
        ReadOnlySpan<float> upcoming = default)
    {
        bool plain = left == GemmLeft.Plain;
        Require(a.Length, Extent(plain ? m : k, plain ? k : m, aStride), nameof(a));
        Require(packed.Length, PackedLength(tiles, capacity, n), nameof(packed));
        RequireRows(capacity, firstRow, k);
        Require(c.Length, Extent(m, n, cStride), nameof(c));
        fixed (float* pa = a, pb = packed, pc = c, given = upcoming)
        {
            // Where the caller names nothing, the rows of B that follow: a product cut along k goes on with them.
            int firstWidth = tiles.PanelColumns(0, n), following = Math.Min(k, capacity - firstRow - k) * firstWidth;
            float* after = upcoming.IsEmpty ? pb + ((firstRow + k) * firstWidth) : given;
            int afterLength = upcoming.IsEmpty ? following : upcoming.Length;

            // A transposed A is a slice of a weight gradient, and B's panels come around with each slice: they are near, and what the
            // caller
            // names is fetched beside all of them.
            int part = plain ? 0 : upcoming.Length / Math.Max(1, (n + tiles.Columns - 1) / tiles.Columns);
            for (int column = 0; column < n; column += tiles.Columns)
            {
                int width = tiles.PanelColumns(column, n);
                float* panel = pb + (column * capacity) + (firstRow * width);
                int nextWidth = column + tiles.Columns < n ? tiles.PanelColumns(column + tiles.Columns, n) : 0;
                float* next = nextWidth == 0 ? after : pb + ((column + tiles.Columns) * capacity) + (firstRow * nextWidth);
                int length = nextWidth == 0 ? afterLength : nextWidth * k;
                if (part > 0)
                {
                    next = given + (column / tiles.Columns * part);
                    length = part;
                }

                MultiplyPanel(
                    tiles,
                    m,
                    Math.Min(tiles.Columns, n - column),
                    width,
                    k,
                    pa,
                    plain ? aStride : 1,
                    plain ? 1 : aStride,
                    panel,
                    pc + column,
                    cStride,
                    accumulate,
                    next,
                    length);
            }
        }
    }

    internal static void Multiply(
        GemmTiles tiles,
        GemmLeft left,
        bool rightTransposed,
        int m,
        int n,
        int k,
        ReadOnlySpan<float> a,
        int aStride,
        ReadOnlySpan<float> b,
        int bStride,
        Span<float> c,
        int cStride,
        bool accumulate,
        Span<float> workspace,
        ReadOnlySpan<float> upcoming = default)
    {
        bool plain = left == GemmLeft.Plain;
        Require(a.Length, Extent(plain ? m : k, plain ? k : m, aStride), nameof(a));
        Require(b.Length, Extent(rightTransposed ? n : k, rightTransposed ? k : n, bStride), nameof(b));
        Require(c.Length, Extent(m, n, cStride), nameof(c));
        Require(workspace.Length, k * tiles.Columns, nameof(workspace));
        fixed (float* pa = a, pb = b, pc = c, panel = workspace, after = upcoming)
        {
            int part = upcoming.Length / Math.Max(1, (n + tiles.Columns - 1) / tiles.Columns);
            for (int column = 0; column < n; column += tiles.Columns)
            {
                int columns = Math.Min(tiles.Columns, n - column);
                int width = tiles.PanelColumns(column, n);
                PackPanel(pb, bStride, rightTransposed, k, column, columns, width, panel);
                MultiplyPanel(
                    tiles,
                    m,
                    columns,
                    width,
                    k,
                    pa,
                    plain ? aStride : 1,
                    plain ? 1 : aStride,
                    panel,
                    pc + column,
                    cStride,
                    accumulate,
                    after + (column / tiles.Columns * part),
                    part);
            }
        }
    }

    private static void MultiplyPanel(
        GemmTiles tiles,
        int m,
        int columns,
        int width,
        int k,
        float* a,
        nint rowStride,
        nint stepStride,
        float* panel,
        float* c,
        nint cStride,
        bool accumulate,
        float* upcoming,
        int length)
    {
        // While this panel is multiplied, what is needed next is brought near, an equal part of it beside each step of each tile.
        int height = tiles.Rows(width);
        byte* next = (byte*)upcoming;
        nint nextStep = (nint)length * sizeof(float) / Math.Max(1, (m + height - 1) / height * k);
        nint nextPart = nextStep * k;
        int row = 0;
        if (columns == width)
        {
            for (; row <= m - height; row += height, next += nextPart)
            {
                for (int ahead = row + height; accumulate && ahead < Math.Min(row + (2 * height), m); ahead++)
                {
                    Prefetch.LinesToFirstCache(c + (ahead * cStride), columns);
                }

                tiles.Multiply(
                    a + (row * rowStride),
                    rowStride,
                    stepStride,
                    height,
                    panel,
                    width,
                    c + (row * cStride),
                    cStride,
                    k,
                    accumulate,
                    next,
                    nextStep);
            }
        }

        if (row < m)
        {
            MultiplyEdge(
                tiles,
                m - row,
                columns,
                width,
                k,
                a + (row * rowStride),
                rowStride,
                stepStride,
                panel,
                c + (row * cStride),
                cStride,
                accumulate,
                next,
                nextStep);
        }
    }

    // Rows that do not fill a tile, or columns that do not fill a panel, run on a copy of C of a whole tile, so that they take the same
    // chain of operations.
    [SkipLocalsInit]
    private static void MultiplyEdge(
        GemmTiles tiles,
        int m,
        int columns,
        int width,
        int k,
        float* a,
        nint rowStride,
        nint stepStride,
        float* panel,
        float* c,
        nint cStride,
        bool accumulate,
        byte* next,
        nint nextStep)
    {
        int height = tiles.Rows(width);
        float* edge = stackalloc float[height * width];
        for (int row = 0; row < m; row += height, next += nextStep * k)
        {
            int rows = Math.Min(height, m - row);
            if (accumulate)
            {
                for (int i = 0; i < rows; i++)
                {
                    new ReadOnlySpan<float>(c + ((row + i) * cStride), columns).CopyTo(new Span<float>(edge + (i * width), columns));
                }
            }

            tiles.Multiply(a + (row * rowStride), rowStride, stepStride, rows, panel, width, edge, width, k, accumulate, next, nextStep);
            for (int i = 0; i < rows; i++)
            {
                new ReadOnlySpan<float>(edge + (i * width), columns).CopyTo(new Span<float>(c + ((row + i) * cStride), columns));
            }
        }
    }

    private static void PackPanel(float* b, nint stride, bool transposed, int k, int column, int columns, int width, float* panel)
    {
        if (transposed)
        {
            PackPanelTransposed(b + (column * stride), stride, k, columns, width, panel);
            return;
        }

        RowCopy.Run(b + column, stride, k, columns, panel, width);
        for (int row = 0; columns < width && row < k; row++)
        {
            new Span<float>(panel + (row * width) + columns, width - columns).Clear();
        }
    }

    // 8 stored rows by 8 steps at a time through registers; what remains, one by one. Sixteen steps, a cache line of each stored row,
    // are done for all rows before the next, so that no line is fetched twice.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackPanelTransposed(float* b, nint stride, int k, int columns, int width, float* panel)
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

    private static int Extent(int rows, int columns, int stride)
    {
        if (rows < 0 || columns < 0 || stride < columns)
        {
            throw new ArgumentException($"A matrix of {rows} x {columns} needs a row stride of at least {columns}; got {stride}.");
        }

        return rows == 0 || columns == 0 ? 0 : checked(((rows - 1) * stride) + columns);
    }

    private static void RequireRows(int capacity, int firstRow, int k)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        Require(capacity, (long)firstRow + k, nameof(capacity));
    }

    internal static void Require(int have, long need, string name)
    {
        if (have < need)
        {
            throw new ArgumentException($"{name} holds {have}; the sizes given need {need}.", name);
        }
    }
}
