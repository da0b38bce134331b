using System.Runtime.Intrinsics;
using Onward.Kernels;

namespace Onward.Tests.Kernels;

public sealed class GemmTests
{
    public static TheoryData<int> Widths => [512, 256, 128];

    public static TheoryData<string> Faults => [.. FaultyCalls.Keys];

    // The sizes are 3 x 4 x 5 throughout.
    private static Dictionary<string, (string Rule, Action Call)> FaultyCalls { get; } = new()
    {
        ["A too short"] = ("a holds 14; the sizes given need 15", () => Multiply(a: 14)),
        ["B too short"] = ("b holds 19; the sizes given need 20", () => Multiply(b: 19)),
        ["C too short"] = ("c holds 11; the sizes given need 12", () => Multiply(c: 11)),
        ["workspace too short"] = ("workspace holds", () => Multiply(workspace: Gemm.WorkspaceLength(5) - 1)),
        ["stride of A too small"] = ("3 x 5 needs a row stride of at least 5; got 4", () => Multiply(aStride: 4)),
        ["stride of B too small"] = ("5 x 4 needs a row stride of at least 4; got 3", () => Multiply(bStride: 3)),
        ["stride of C too small"] = ("3 x 4 needs a row stride of at least 4; got 3", () => Multiply(cStride: 3)),
        ["negative stride"] = ("needs a row stride of at least 4; got -4", () => Multiply(bStride: -4)),
        ["wide stride of A"] = ("a holds 15; the sizes given need 17", () => Multiply(aStride: 6)),
        ["negative rows"] = ("-1 x 5", () => Multiply(m: -1)),
        ["negative columns"] = ("5 x -1", () => Multiply(n: -1)),
        ["negative steps"] = ("3 x -1", () => Multiply(k: -1)),
        ["operands that do not fit"] = ("A of 3 x 5 and B of 4 x 4 have no product", () => Multiply(bRows: 4)),
        ["pack from too short a matrix"] = ("b holds 19; the sizes given need 20", () => Pack(b: 19)),
        ["pack into too short a buffer"] = ("packed holds", () => Pack(packed: Gemm.PackedLength(5, 4) - 1)),
        ["pack with too small a stride"] = ("needs a row stride of at least 4; got 3", () => Pack(stride: 3)),
        ["pack beyond the capacity"] = ("capacity holds 5; the sizes given need 6", () => Pack(firstRow: 1)),
        ["pack before the first row"] = ("firstRow", () => Pack(firstRow: -1)),
        ["packed A too short"] = ("a holds 14; the sizes given need 15", () => MultiplyPacked(a: 14)),
        ["packed B too short"] = ("packed holds", () => MultiplyPacked(packed: Gemm.PackedLength(5, 4) - 1)),
        ["packed C too short"] = ("c holds 11; the sizes given need 12", () => MultiplyPacked(c: 11)),
        ["sums beyond the capacity"] = ("capacity holds 5; the sizes given need 6", () => MultiplyPacked(firstRow: 1)),
        ["sums before the first row"] = ("firstRow", () => MultiplyPacked(firstRow: -1)),
        ["sums far beyond the capacity"] = ("capacity", () => MultiplyPacked(firstRow: int.MaxValue)),
        ["column sums of too short a buffer"] = (
            "packed holds", () => Gemm.ColumnSums(new float[Gemm.PackedLength(5, 4) - 1], 5, 5, new float[4], false)),
        ["column sums beyond the capacity"] = (
            "capacity holds 5; the sizes given need 6",
            () => Gemm.ColumnSums(new float[Gemm.PackedLength(5, 4)], 5, 6, new float[4], false)),
    };

    [Theory]
    [MemberData(nameof(Widths))]
    public void Product_of_any_shape_meets_the_triple_loop(int bits)
    {
        GemmTiles tiles = Tiles(bits);
        Random random = new(bits);
        for (int i = 0; i < 400; i++)
        {
            (int m, int n, int k) = (Numbers.Size(random, 200), Numbers.Size(random, 200), Numbers.Size(random, 200));
            Require(Problem(random, i, m, n, k), tiles);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Product_around_the_size_of_a_tile_meets_the_triple_loop(int bits)
    {
        GemmTiles tiles = Tiles(bits);
        Random random = new(bits + 1);
        int[] heights = [tiles.Rows(tiles.Columns), tiles.Rows(tiles.Vector)];
        int[] rows = [1, .. heights.SelectMany(height => (int[])[height - 2, height - 1, height, height + 1, 2 * height]).Distinct()];
        int[] columns =
        [
            1,
            tiles.Columns / 2,
            (tiles.Columns / 2) + 1,
            tiles.Vector - 1,
            tiles.Vector,
            tiles.Vector + 1,
            tiles.Columns - 1,
            tiles.Columns,
            tiles.Columns + 1,
            2 * tiles.Columns,
        ];
        int i = 0;
        foreach (int m in rows)
        {
            foreach (int n in columns)
            {
                foreach (int k in (int[])[1, 7, 8, 17])
                {
                    Require(Problem(random, i++, m, n, k), tiles);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Product_of_no_steps_is_zero_or_what_was_there(int bits)
    {
        GemmTiles tiles = Tiles(bits);
        for (int i = 0; i < 8; i++)
        {
            Require(Problem(new Random(bits), i, 13, 53, 0), tiles);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Empty_product_writes_nothing(int bits)
    {
        GemmTiles tiles = Tiles(bits);
        float[] c = Numbers.Filled(20, 3);

        Gemm.Multiply(tiles, new([], 0, 5), new(new float[20], 5, 4), c, 4, accumulate: false, new float[5 * tiles.Columns]);
        Gemm.Multiply(tiles, new(new float[20], 4, 5), new([], 5, 0), c, 4, accumulate: false, new float[5 * tiles.Columns]);

        Tolerance.Same(Numbers.Filled(20, 3), c, "C");
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Packed_product_has_the_bits_of_the_plain_one(int bits)
    {
        GemmTiles tiles = Tiles(bits);
        Random random = new(bits + 2);
        for (int i = 0; i < 64; i++)
        {
            (int m, int n, int k) = (Numbers.Size(random, 60), Numbers.Size(random, 150), 2 + Numbers.Size(random, 60));
            GemmProblem problem = Problem(random, i, m, n, k);
            float[] expected = problem.NewC(), actual = problem.NewC();
            int firstRow = random.Next(4), capacity = firstRow + k + random.Next(4), cut = random.Next(1, k);
            float[] packed = Numbers.Filled(Gemm.PackedLength(tiles, capacity, n), float.NaN);

            // In two pieces, in either order: neither may touch the rows of the other.
            foreach (int piece in (int[])[i / 2 % 2, 1 - (i / 2 % 2)])
            {
                (int from, int to) = piece == 0 ? (0, cut) : (cut, k);
                Gemm.Pack(tiles, problem.BPart(from, 0, to - from, n), packed, capacity, firstRow + from);
            }

            Gemm.MultiplyPacked(
                tiles,
                problem.APart(0, 0, m, k),
                new(packed, capacity, n, firstRow),
                problem.Inside(actual),
                problem.CStride,
                problem.Accumulate);
            problem.Multiply(tiles, expected);

            Tolerance.Same(expected, actual, $"{problem.Name}, capacity {capacity}, first row {firstRow}");
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Product_cut_into_pieces_has_the_bits_of_the_whole(int bits)
    {
        GemmTiles tiles = Tiles(bits);
        Random random = new(bits + 3);
        for (int i = 0; i < 64; i++)
        {
            (int m, int n, int k) = (2 + Numbers.Size(random, 60), 2 + Numbers.Size(random, 150), 2 + Numbers.Size(random, 60));
            GemmProblem problem = Problem(random, i, m, n, k);
            float[] expected = problem.NewC();
            problem.Multiply(tiles, expected);
            (int row, int column, int step) = (random.Next(1, m), random.Next(1, n), random.Next(1, k));

            Tolerance.Same(expected, InPieces(problem, tiles, [0, m], [0, n], [0, step, k]), $"{problem.Name} cut at step {step}");
            Tolerance.Same(expected, InPieces(problem, tiles, [0, row, m], [0, n], [0, k]), $"{problem.Name} cut at row {row}");
            Tolerance.Same(expected, InPieces(problem, tiles, [0, m], [0, column, n], [0, k]), $"{problem.Name} cut at column {column}");
        }
    }

    [Theory]
    [InlineData(512)]
    [InlineData(256)]
    public void Products_have_the_bits_of_the_narrowest_width(int bits)
    {
        GemmTiles narrow = Tiles(128), tiles = Tiles(bits);
        Random random = new(4);
        for (int i = 0; i < 64; i++)
        {
            GemmProblem problem = Problem(random, i, Numbers.Size(random, 60), Numbers.Size(random, 150), Numbers.Size(random, 60));
            float[] expected = problem.NewC(), actual = problem.NewC();
            problem.Multiply(narrow, expected);
            problem.Multiply(tiles, actual);

            Tolerance.Same(expected, actual, problem.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Packing_one_panel_writes_that_panel_only(int bits)
    {
        GemmTiles tiles = Tiles(bits);
        int n = (3 * tiles.Columns) + 5, panels = 4;
        const int K = 11, Capacity = 14, FirstRow = 2;
        float[] b = Numbers.Uniform(5, K * n);
        float[] whole = Numbers.Filled(Gemm.PackedLength(tiles, Capacity, n), -7);
        Gemm.Pack(tiles, new(b, K, n), whole, Capacity, FirstRow);
        float[] pieces = Numbers.Filled(whole.Length, -7);

        for (int panel = panels - 1; panel >= 0; panel--)
        {
            Gemm.Pack(tiles, new(b, K, n), pieces, Capacity, FirstRow, panel);
            Tolerance.Same(
                Numbers.Filled(panel * tiles.Columns * Capacity, -7),
                pieces.AsSpan(0, panel * tiles.Columns * Capacity),
                $"before panel {panel}");
        }

        Tolerance.Same(whole, pieces, "all panels");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(48)]
    [InlineData(49)]
    [InlineData(150)]
    public void Panels_count_what_a_matrix_is_packed_into(int n)
    {
        float[] packed = Numbers.Filled(Gemm.PackedLength(3, n), float.NaN);

        for (int panel = 0; panel < Gemm.Panels(n); panel++)
        {
            Assert.Contains(float.NaN, packed);
            Gemm.Pack(new(Numbers.Uniform(1, 3 * n), 3, n), packed, 3, panel: panel);
        }

        Assert.DoesNotContain(float.NaN, packed);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 5)]
    [InlineData(16, 9)]
    [InlineData(48, 33)]
    [InlineData(64, 1)]
    [InlineData(131, 40)]
    public void Column_sums_are_chains_in_row_order(int n, int k)
    {
        float[] b = Numbers.Uniform(n, k * n);
        float[] packed = Numbers.Filled(Gemm.PackedLength(k + 3, n), float.NaN);
        Gemm.Pack(new(b, k, n), packed, k + 3);
        float[] overwritten =
            Numbers.Filled(n, float.NaN), accumulated = Numbers.Uniform(k, n), expected = [.. accumulated], fromZero = new float[n];
        for (int i = 0; i < k * n; i++)
        {
            expected[i % n] += b[i];
            fromZero[i % n] += b[i];
        }

        Gemm.ColumnSums(packed, k + 3, k, overwritten, accumulate: false);
        Gemm.ColumnSums(packed, k + 3, k, accumulated, accumulate: true);

        Tolerance.Same(fromZero, overwritten, "sums");
        Tolerance.Same(expected, accumulated, "accumulated sums");
    }

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(7, 3, 16)]
    [InlineData(20, 5, 97)]
    public void Gathered_columns_are_those_of_the_matrix(int k, int first, int columns)
    {
        int stride = first + columns + 2;
        float[] a = Numbers.Uniform(k, k * stride), target = Numbers.Filled((k * columns) + 1, float.NaN);

        Gemm.Gather(a, stride, first, columns, k, target);

        Tolerance.Same(
            [.. Enumerable.Range(0, k * columns).Select(i => a[(i / columns * stride) + first + (i % columns)]), float.NaN],
            target,
            "columns");
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void Rejects(string fault)
    {
        (string rule, Action call) = FaultyCalls[fault];

        ArgumentException exception = Assert.ThrowsAny<ArgumentException>(call);

        Assert.Contains(rule, exception.Message, StringComparison.Ordinal);
    }

    // The tiles of a width, if the processor has it: no one runs emulated vectors.
    internal static GemmTiles Tiles(int bits)
    {
        bool accelerated = bits switch
        {
            512 => Vector512.IsHardwareAccelerated,
            256 => Vector256.IsHardwareAccelerated,
            _ => Vector128.IsHardwareAccelerated,
        };
        Assert.SkipUnless(accelerated, $"This processor has no {bits}-bit vectors.");
        return GemmTiles.ForWidth(bits);
    }

    // The number runs through all eight kinds of product; every third one is without gaps between rows.
    private static GemmProblem Problem(Random random, int number, int m, int n, int k) => new(
        random, ((number & 1) != 0, (number & 2) != 0), m, n, k, (number & 4) != 0, number % 3 * 5);

    private static void Require(GemmProblem problem, GemmTiles tiles)
    {
        float[] c = problem.NewC();
        problem.Multiply(tiles, c);
        problem.RequireExact(c);
        problem.RequireUntouched(c);
    }

    private static float[] InPieces(GemmProblem problem, GemmTiles tiles, int[] rows, int[] columns, int[] steps)
    {
        float[] c = problem.NewC();
        for (int i = 1; i < rows.Length; i++)
        {
            for (int j = 1; j < columns.Length; j++)
            {
                for (int l = 1; l < steps.Length; l++)
                {
                    (int row, int column, int step) = (rows[i - 1], columns[j - 1], steps[l - 1]);
                    Gemm.Multiply(
                        tiles,
                        problem.APart(row, step, rows[i] - row, steps[l] - step),
                        problem.BPart(step, column, steps[l] - step, columns[j] - column),
                        problem.Inside(c)[((row * problem.CStride) + column)..],
                        problem.CStride,
                        problem.Accumulate || l > 1,
                        new float[(steps[l] - step) * tiles.Columns]);
                }
            }
        }

        return c;
    }

    private static void Multiply(
        int a = 15, int b = 20, int c = 12, int? workspace = null, int m = 3, int n = 4, int k = 5, int? bRows = null,
        int aStride = 5, int bStride = 4, int cStride = 4) =>
        Gemm.Multiply(
            new(new float[a], m, k, aStride),
            new(new float[b], bRows ?? k, n, bStride),
            new float[c],
            cStride,
            accumulate: false,
            new float[workspace ?? Gemm.WorkspaceLength(5)]);

    private static void Pack(int b = 20, int? packed = null, int stride = 4, int firstRow = 0) =>
        Gemm.Pack(new(new float[b], 5, 4, stride), new float[packed ?? Gemm.PackedLength(5, 4)], 5, firstRow);

    private static void MultiplyPacked(int a = 15, int? packed = null, int c = 12, int firstRow = 0) =>
        Gemm.MultiplyPacked(
            new(new float[a], 3, 5),
            new(new float[packed ?? Gemm.PackedLength(5, 4)], 5, 4, firstRow),
            new float[c],
            4,
            accumulate: false);
}
