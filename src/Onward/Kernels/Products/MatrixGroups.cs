namespace Onward.Kernels;

/// <summary>Matrices of one size that lie in one array, each row a run of memory.</summary>
/// <param name="Count">Number of matrices.</param>
/// <param name="Rows">Rows of a matrix.</param>
/// <param name="Columns">Columns of a matrix.</param>
/// <param name="Step">Floats from the first number of a matrix to the first number of the next.</param>
/// <param name="Stride">Floats from the start of a row to the start of the next.</param>
public readonly record struct MatrixGroups(int Count, int Rows, int Columns, int Step, int Stride)
{
    /// <summary>The matrix of all numbers of an array, whose last axis is a row.</summary>
    /// <param name="shape">The shape of the array, of at least one axis.</param>
    public static MatrixGroups Of(IReadOnlyList<int> shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        int rows = shape.Take(shape.Count - 1).Aggregate(1, (product, size) => checked(product * size)), columns = shape[^1];
        return new(1, rows, columns, checked(rows * columns), columns);
    }

    /// <summary>Numbers of all matrices.</summary>
    internal int Length => checked(Count * Rows * Columns);

    /// <summary>The place of a row in the array.</summary>
    /// <param name="row">Number of the row, matrix by matrix.</param>
    internal int StartOf(int row) => (row / Rows * Step) + (row % Rows * Stride);
}
