namespace Onward.Kernels;

/// <summary>A matrix in memory, stored row by row, that a product reads as it is or as its transpose.</summary>
/// <remarks>The view holds no memory of its own, and checks nothing: the product that reads it does.</remarks>
/// <param name="values">The stored matrix, from its first number on.</param>
/// <param name="rows">Rows of the stored matrix.</param>
/// <param name="columns">Columns of the stored matrix.</param>
/// <param name="stride">Floats from the start of a stored row to the start of the next, at least <paramref name="columns"/>.</param>
public readonly ref struct MatrixView(ReadOnlySpan<float> values, int rows, int columns, int stride)
{
    /// <summary>Creates a view of a matrix whose rows follow each other without a gap.</summary>
    /// <param name="values">The stored matrix.</param>
    /// <param name="rows">Rows of the stored matrix.</param>
    /// <param name="columns">Columns of the stored matrix.</param>
    public MatrixView(ReadOnlySpan<float> values, int rows, int columns)
        : this(values, rows, columns, columns)
    {
    }

    /// <summary>The stored matrix, from its first number on.</summary>
    public ReadOnlySpan<float> Values { get; } = values;

    /// <summary>Rows of the matrix that the product reads.</summary>
    public int Rows => IsTransposed ? StoredColumns : StoredRows;

    /// <summary>Columns of the matrix that the product reads.</summary>
    public int Columns => IsTransposed ? StoredRows : StoredColumns;

    /// <summary>Floats from the start of a stored row to the start of the next.</summary>
    public int Stride { get; } = stride;

    /// <summary>True if the product reads the transpose of the stored matrix.</summary>
    public bool IsTransposed { get; private init; }

    /// <summary>The transpose of the matrix, in the same memory.</summary>
    public MatrixView Transposed => new(Values, StoredRows, StoredColumns, Stride) { IsTransposed = !IsTransposed };

    private int StoredRows { get; } = rows;

    private int StoredColumns { get; } = columns;

    /// <summary>Requires that the memory holds the matrix.</summary>
    /// <param name="name">The name of the operand, for the message.</param>
    /// <exception cref="ArgumentException">The memory is too short, a size is negative or the stride is too small.</exception>
    internal void RequireFit(string name) => Gemm.Require(Values.Length, Gemm.Extent(StoredRows, StoredColumns, Stride), name);
}
