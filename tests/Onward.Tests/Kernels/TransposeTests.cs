using Onward.Kernels;

namespace Onward.Tests.Kernels;

/// <summary>Transposition as the packing of a transposed matrix uses it: whole 8 x 8 blocks and what remains of them.</summary>
public sealed class TransposeTests
{
    [Theory]
    [MemberData(nameof(GemmTests.Widths), MemberType = typeof(GemmTests))]
    public void Packing_a_transposed_matrix_lays_out_the_matrix_itself(int bits)
    {
        GemmTiles tiles = GemmTests.Tiles(bits);
        foreach (int k in (int[])[1, 7, 8, 9, 16, 27])
        {
            foreach (int n in (int[])[1, 7, 8, 12, 16, 20, 32, 33, 48, 49, 64, 101])
            {
                const int Gap = 3, FirstRow = 2;
                int capacity = k + 5;
                float[] stored = Numbers.Uniform(k, n * (k + Gap));
                float[] packed = Numbers.Filled(Gemm.PackedLength(tiles, capacity, n), -7);
                Gemm.Pack(tiles, new MatrixView(stored, n, k, k + Gap).Transposed, packed, capacity, FirstRow);

                Tolerance.Same(Layout(tiles, stored, k + Gap, k, n, capacity, FirstRow), packed, $"{k} x {n}");
            }
        }
    }

    // Panels of a tile's columns, row by row, the last one of half as many or fewer in whole vectors; columns beyond n are 0.
    private static float[] Layout(GemmTiles tiles, float[] stored, int stride, int k, int n, int capacity, int firstRow)
    {
        int left = n % tiles.Columns;
        int columns = n - left + (left > tiles.Columns / 2 ? tiles.Columns : (left + tiles.Vector - 1) / tiles.Vector * tiles.Vector);
        float[] packed = Numbers.Filled(capacity * columns, -7);
        for (int column = 0; column < columns; column++)
        {
            int panel = column / tiles.Columns * tiles.Columns;
            int width = Math.Min(tiles.Columns, columns - panel);
            for (int row = 0; row < k; row++)
            {
                packed[(panel * capacity) + ((firstRow + row) * width) + column - panel] = column < n ? stored[(column * stride) + row] : 0;
            }
        }

        return packed;
    }
}
