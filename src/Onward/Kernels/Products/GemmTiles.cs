using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>The register tile that a matrix product is built from, for one width of the vector unit.</summary>
internal sealed unsafe class GemmTiles
{
    private readonly int _rows;
    private readonly int _narrowRows;

    private GemmTiles(int rows, int narrowRows, int columns, int vector, delegate*<TileProduct*, void> multiply)
    {
        _rows = rows;
        _narrowRows = narrowRows;
        Columns = columns;
        Vector = vector;
        Multiply = multiply;
    }

    /// <summary>The widest tile this processor runs at full speed.</summary>
    internal static readonly GemmTiles Best =
        Vector512.IsHardwareAccelerated ? ForWidth(512) : Vector256.IsHardwareAccelerated ? ForWidth(256) : ForWidth(128);

    /// <summary>Columns of C in one full tile, which is also the width of a packed panel of B.</summary>
    internal int Columns { get; }

    /// <summary>Floats in one vector. The width of a panel of at most half the columns is rounded up to whole vectors.</summary>
    internal int Vector { get; }

    /// <summary>Multiplies one tile.</summary>
    internal delegate*<TileProduct*, void> Multiply { get; }

    internal static GemmTiles ForWidth(int bits) => bits switch
    {
        512 => new(GemmTiles512.Rows, GemmTiles512.NarrowRows, GemmTiles512.Columns, 16, &GemmTiles512.Multiply),
        256 => new(GemmTiles256.Rows, GemmTiles256.Rows, GemmTiles256.Columns, 8, &GemmTiles256.Multiply),
        _ => new(GemmTiles128.Rows, GemmTiles128.Rows, GemmTiles128.Columns, 4, &GemmTiles128.Multiply),
    };

    /// <summary>Rows of C in one tile of a panel.</summary>
    /// <param name="width">Columns of the panel.</param>
    internal int Rows(int width) => width == Columns ? _rows : _narrowRows;

    /// <summary>Columns in the packed panel that starts at <paramref name="column"/> of <paramref name="n"/>.</summary>
    internal int PanelColumns(int column, int n)
    {
        int left = Math.Min(Columns, n - column);
        return left <= Columns / 2 ? (left + Vector - 1) / Vector * Vector : Columns;
    }
}
