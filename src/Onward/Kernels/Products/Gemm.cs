using System.Runtime.CompilerServices;

namespace Onward.Kernels;

/// <summary>
/// Single-threaded float32 matrix product C [m, n] = or += A [m, k] B [k, n], all row-major, of any sizes.
/// </summary>
/// <remarks>
/// <para>
/// 2 m n k FLOP. B is packed into panels as wide as the register tile, each panel one run of memory [k, columns]. A packed B
/// may be kept as long as B does not change (weights: one step). A is read in place: a tile reads 8 rows, or 8 neighbouring
/// columns, which the first cache holds.
/// </para>
/// <para>
/// Neither m nor k is cut into cache blocks. With 48 KB of first and 1 MB of second cache, panels stream from the second
/// cache faster than the tile consumes them, up to k of several thousand. While one panel is multiplied, the next is fetched
/// into the second cache. That saves 3 to 7 % of a training step, because the work between two products evicts the panels.
/// </para>
/// <para>
/// Every element of C is a single chain of fused multiply-adds over k in order, starting from C when accumulating. So a
/// product cut into pieces along k, m or n, on any threads, gives the same bits.
/// </para>
/// </remarks>
public static unsafe class Gemm
{
    /// <summary>Bits of the vectors that kernels work on. At another width, sums are taken in another order and last bits differ.</summary>
    public static int VectorBits => 32 * GemmTiles.Best.Vector;

    /// <summary>Number of floats that <c>Pack</c> writes for a right-hand matrix [k, n], padding included.</summary>
    /// <param name="k">Rows of B (the length of the sums).</param>
    /// <param name="n">Columns of B.</param>
    public static int PackedLength(int k, int n) => PackedLength(GemmTiles.Best, k, n);

    /// <summary>Floats of workspace that <c>Multiply</c> needs: one packed panel.</summary>
    /// <param name="k">The length of the sums.</param>
    public static int WorkspaceLength(int k) => k * GemmTiles.Best.Columns;

    /// <summary>Number of panels that a right-hand matrix of <paramref name="n"/> columns is packed into.</summary>
    /// <param name="n">Columns of B.</param>
    public static int Panels(int n) => (n + GemmTiles.Best.Columns - 1) / GemmTiles.Best.Columns;

    /// <summary>Packs rows of a right-hand matrix.</summary>
    /// <param name="b">The rows [k, n].</param>
    /// <param name="packed">Receives the panels; at least <c>PackedLength(capacity, n)</c> floats.</param>
    /// <param name="capacity">Rows for which <paramref name="packed"/> is laid out: at least firstRow + k.</param>
    /// <param name="firstRow">Row of the packed matrix that receives the first row.</param>
    /// <param name="panel">The only panel to pack, below <see cref="Panels"/>; negative to pack all panels.</param>
    /// <exception cref="ArgumentException">A span is too short for the sizes given, or <paramref name="firstRow"/> is negative.</exception>
    public static void Pack(scoped in MatrixView b, Span<float> packed, int capacity, int firstRow = 0, int panel = -1) =>
        Pack(GemmTiles.Best, b, packed, capacity, firstRow, panel);

    /// <summary>Copies some columns of A [k, m] into memory of their own [k, columns].</summary>
    /// <remarks>
    /// A product that reads A as its transpose is faster after this copy if the rows of A lie a power of two of bytes apart.
    /// Without the copy, the few numbers that it reads of each row would compete for a few sets of the cache.
    /// </remarks>
    /// <param name="a">A, from its first row.</param>
    /// <param name="aStride">Floats between the rows of A.</param>
    /// <param name="first">The first column.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="k">Number of rows.</param>
    /// <param name="target">Receives the columns; at least <paramref name="k"/> <paramref name="columns"/> floats.</param>
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

    /// <summary>C = or += A B for a packed B.</summary>
    /// <param name="a">A [m, k].</param>
    /// <param name="b">B [k, n], packed.</param>
    /// <param name="c">C [m, n].</param>
    /// <param name="cStride">Floats between the rows of C.</param>
    /// <param name="accumulate">True to add to C instead of overwriting it.</param>
    /// <param name="upcoming">Memory that is needed after the product; it is fetched into the second cache meanwhile.</param>
    /// <exception cref="ArgumentException">A span is too short for the sizes given, or the first row of B is negative.</exception>
    public static void MultiplyPacked(
        scoped in MatrixView a,
        scoped in PackedView b,
        Span<float> c,
        int cStride,
        bool accumulate,
        ReadOnlySpan<float> upcoming = default) =>
        MultiplyPacked(GemmTiles.Best, a, b, c, cStride, accumulate, upcoming);

    /// <summary>C = or += A B, packing one panel of B at a time.</summary>
    /// <param name="a">A [m, k].</param>
    /// <param name="b">B [k, n].</param>
    /// <param name="c">C [m, n].</param>
    /// <param name="cStride">Floats between the rows of C.</param>
    /// <param name="accumulate">True to add to C instead of overwriting it.</param>
    /// <param name="workspace">At least <c>WorkspaceLength(k)</c> floats.</param>
    /// <param name="upcoming">Memory that is needed after the product; it is fetched into the second cache meanwhile.</param>
    /// <exception cref="ArgumentException">A span is too short for the sizes given, or A and B do not fit each other.</exception>
    public static void Multiply(
        scoped in MatrixView a,
        scoped in MatrixView b,
        Span<float> c,
        int cStride,
        bool accumulate,
        Span<float> workspace,
        ReadOnlySpan<float> upcoming = default) =>
        Multiply(GemmTiles.Best, a, b, c, cStride, accumulate, workspace, upcoming);

    /// <summary>sums [n] = or += the column sums of some rows of a packed matrix, each a single chain in row order.</summary>
    /// <param name="packed">A matrix that <c>Pack</c> has packed.</param>
    /// <param name="capacity">Rows for which <paramref name="packed"/> is laid out.</param>
    /// <param name="k">The row to end before.</param>
    /// <param name="sums">The sums [n].</param>
    /// <param name="accumulate">True to add to <paramref name="sums"/> instead of overwriting them.</param>
    /// <param name="first">The first row.</param>
    /// <param name="step">Rows from a row to the next.</param>
    /// <exception cref="ArgumentException"><paramref name="packed"/> is too short for the sizes given.</exception>
    public static void ColumnSums(
        ReadOnlySpan<float> packed, int capacity, int k, Span<float> sums, bool accumulate, int first = 0, int step = 1)
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

                float* panel = source + (column * capacity) + ((nint)first * width);
                PackedPanels.AddColumns(panel, width, (k - first + step - 1) / step, chains, step);
                chain[..target.Length].CopyTo(target);
            }
        }
    }

    internal static int PackedLength(GemmTiles tiles, int k, int n)
    {
        int full = n / tiles.Columns * tiles.Columns;
        return checked(k * (full + (full < n ? tiles.PanelColumns(full, n) : 0)));
    }

    internal static void Pack(
        GemmTiles tiles, scoped in MatrixView b, Span<float> packed, int capacity, int firstRow, int panel = -1)
    {
        int k = b.Rows, n = b.Columns;
        b.RequireFit(nameof(b));
        Require(packed.Length, PackedLength(tiles, capacity, n), nameof(packed));
        RequireRows(capacity, firstRow, k);
        fixed (float* source = b.Values, target = packed)
        {
            int end = panel < 0 ? n : Math.Min(n, (panel + 1) * tiles.Columns);
            for (int column = Math.Max(0, panel) * tiles.Columns; column < end; column += tiles.Columns)
            {
                int width = tiles.PanelColumns(column, n);
                float* rows = target + (column * capacity) + (firstRow * width);
                PackedPanels.Pack(source, b.Stride, b.IsTransposed, k, column, Math.Min(tiles.Columns, n - column), width, rows);
            }
        }
    }

    internal static void MultiplyPacked(
        GemmTiles tiles,
        scoped in MatrixView a,
        scoped in PackedView b,
        Span<float> c,
        int cStride,
        bool accumulate,
        ReadOnlySpan<float> upcoming = default)
    {
        int m = a.Rows, n = b.Columns, k = a.Columns, capacity = b.Capacity, firstRow = b.FirstRow;
        a.RequireFit(nameof(a));
        b.RequireFit(tiles, k);
        Require(c.Length, Extent(m, n, cStride), nameof(c));
        fixed (float* pa = a.Values, pb = b.Panels, pc = c, given = upcoming)
        {
            // If the caller names nothing, the next rows of B are fetched: a product that is cut along k continues with them.
            int firstWidth = tiles.PanelColumns(0, n), following = Math.Min(k, capacity - firstRow - k) * firstWidth;
            float* after = upcoming.IsEmpty ? pb + ((firstRow + k) * firstWidth) : given;
            int afterLength = upcoming.IsEmpty ? following : upcoming.Length;

            // A is transposed in the products of weight gradients. All slices of a gradient read the panels of B, so these are
            // in the cache already, and a part of what the caller names is fetched beside each panel.
            int part = a.IsTransposed ? upcoming.Length / Math.Max(1, (n + tiles.Columns - 1) / tiles.Columns) : 0;
            TileProduct tile = Tile(a, pa, cStride, accumulate);
            for (int column = 0; column < n; column += tiles.Columns)
            {
                int width = tiles.PanelColumns(column, n);
                int nextWidth = column + tiles.Columns < n ? tiles.PanelColumns(column + tiles.Columns, n) : 0;
                float* next = nextWidth == 0 ? after : pb + ((column + tiles.Columns) * capacity) + (firstRow * nextWidth);
                int length = nextWidth == 0 ? afterLength : nextWidth * k;
                if (part > 0)
                {
                    next = given + (column / tiles.Columns * part);
                    length = part;
                }

                tile.B = pb + (column * capacity) + (firstRow * width);
                tile.Columns = width;
                tile.C = pc + column;
                MultiplyPanel(tiles, tile, m, Math.Min(tiles.Columns, n - column), next, length);
            }
        }
    }

    internal static void Multiply(
        GemmTiles tiles,
        scoped in MatrixView a,
        scoped in MatrixView b,
        Span<float> c,
        int cStride,
        bool accumulate,
        Span<float> workspace,
        ReadOnlySpan<float> upcoming = default)
    {
        int m = a.Rows, n = b.Columns, k = a.Columns;
        a.RequireFit(nameof(a));
        b.RequireFit(nameof(b));
        if (b.Rows != k)
        {
            throw new ArgumentException($"A of {m} x {k} and B of {b.Rows} x {n} have no product.", nameof(b));
        }

        Require(c.Length, Extent(m, n, cStride), nameof(c));
        Require(workspace.Length, k * tiles.Columns, nameof(workspace));
        fixed (float* pa = a.Values, pb = b.Values, pc = c, panel = workspace, after = upcoming)
        {
            int part = upcoming.Length / Math.Max(1, (n + tiles.Columns - 1) / tiles.Columns);
            TileProduct tile = Tile(a, pa, cStride, accumulate);
            tile.B = panel;
            for (int column = 0; column < n; column += tiles.Columns)
            {
                int columns = Math.Min(tiles.Columns, n - column);
                int width = tiles.PanelColumns(column, n);
                PackedPanels.Pack(pb, b.Stride, b.IsTransposed, k, column, columns, width, panel);
                tile.Columns = width;
                tile.C = pc + column;
                MultiplyPanel(tiles, tile, m, columns, after + (column / tiles.Columns * part), part);
            }
        }
    }

    // A product whose panel of B and whose C are still to be set.
    private static TileProduct Tile(scoped in MatrixView a, float* values, int cStride, bool accumulate) => new()
    {
        A = values,
        RowStride = a.IsTransposed ? 1 : a.Stride,
        StepStride = a.IsTransposed ? a.Stride : 1,
        CStride = cStride,
        K = a.Columns,
        Accumulate = accumulate,
    };

    // All m rows of A times one panel. Meanwhile the upcoming memory is fetched, an equal part of it in each step of each tile.
    private static void MultiplyPanel(GemmTiles tiles, TileProduct tile, int m, int columns, float* upcoming, int length)
    {
        int height = tiles.Rows(tile.Columns);
        tile.Rows = height;
        tile.Next = (byte*)upcoming;
        tile.NextStep = (nint)length * sizeof(float) / Math.Max(1, (m + height - 1) / height * tile.K);
        int row = 0;
        if (columns == tile.Columns)
        {
            for (; row <= m - height; row += height)
            {
                int following = Math.Min(2 * height, m - row);
                for (int ahead = height; tile.Accumulate && ahead < following; ahead++)
                {
                    Prefetch.LinesToFirstCache(tile.C + (ahead * tile.CStride), columns);
                }

                tiles.Multiply(&tile);
                tile.A += height * tile.RowStride;
                tile.C += height * tile.CStride;
                tile.Next += tile.NextStep * tile.K;
            }
        }

        if (row < m)
        {
            MultiplyEdge(tiles, tile, m - row, columns);
        }
    }

    // Rows that do not fill a tile, and columns that do not fill a panel, work on a copy of C as large as a whole tile. So they
    // take the same chain of operations.
    [SkipLocalsInit]
    private static void MultiplyEdge(GemmTiles tiles, TileProduct tile, int m, int columns)
    {
        int width = tile.Columns, height = tiles.Rows(width);
        float* c = tile.C;
        nint cStride = tile.CStride;
        float* edge = stackalloc float[height * width];
        tile.C = edge;
        tile.CStride = width;
        for (int row = 0; row < m; row += height)
        {
            tile.Rows = Math.Min(height, m - row);
            for (int i = 0; tile.Accumulate && i < tile.Rows; i++)
            {
                new ReadOnlySpan<float>(c + ((row + i) * cStride), columns).CopyTo(new Span<float>(edge + (i * width), columns));
            }

            tiles.Multiply(&tile);
            for (int i = 0; i < tile.Rows; i++)
            {
                new ReadOnlySpan<float>(edge + (i * width), columns).CopyTo(new Span<float>(c + ((row + i) * cStride), columns));
            }

            tile.A += height * tile.RowStride;
            tile.Next += tile.NextStep * tile.K;
        }
    }

    internal static int Extent(int rows, int columns, int stride)
    {
        if (rows < 0 || columns < 0 || stride < columns)
        {
            throw new ArgumentException($"A matrix of {rows} x {columns} needs a row stride of at least {columns}; got {stride}.");
        }

        return rows == 0 || columns == 0 ? 0 : checked(((rows - 1) * stride) + columns);
    }

    internal static void RequireRows(int capacity, int firstRow, int k)
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
