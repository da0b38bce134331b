namespace Onward.Kernels;

/// <summary>A right-hand matrix that <see cref="Gemm"/> has packed, or some of its rows.</summary>
/// <param name="panels">The panels that <c>Gemm.Pack</c> wrote.</param>
/// <param name="capacity">Rows for which <paramref name="panels"/> is laid out.</param>
/// <param name="columns">Columns of the matrix.</param>
/// <param name="firstRow">The row at which the sums of a product start.</param>
public readonly ref struct PackedView(ReadOnlySpan<float> panels, int capacity, int columns, int firstRow = 0)
{
    /// <summary>The panels that <c>Gemm.Pack</c> wrote.</summary>
    public ReadOnlySpan<float> Panels { get; } = panels;

    /// <summary>Rows for which <see cref="Panels"/> is laid out.</summary>
    public int Capacity { get; } = capacity;

    /// <summary>Columns of the matrix.</summary>
    public int Columns { get; } = columns;

    /// <summary>The row at which the sums of a product start.</summary>
    public int FirstRow { get; } = firstRow;

    /// <summary>Requires that the panels hold the rows that a product reads.</summary>
    /// <param name="tiles">The tiles that the panels were packed for.</param>
    /// <param name="k">Rows that the product reads.</param>
    /// <exception cref="ArgumentException">The panels are too short, or the rows do not lie in them.</exception>
    internal void RequireFit(GemmTiles tiles, int k)
    {
        Gemm.Require(Panels.Length, Gemm.PackedLength(tiles, Capacity, Columns), "packed");
        Gemm.RequireRows(Capacity, FirstRow, k);
    }
}
