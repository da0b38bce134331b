namespace Onward.Kernels;

/// <summary>
/// The operands of one register tile: C [rows, columns] = or += A [rows, k] B [k, columns].
/// </summary>
/// <remarks>
/// A tile may write more rows of C than <see cref="Rows"/>, up to its own height, as if the last row of A were repeated.
/// In each of the k steps the tile fetches the memory at <see cref="Next"/> into the second cache and moves on by
/// <see cref="NextStep"/> bytes.
/// </remarks>
internal unsafe struct TileProduct
{
    /// <summary>The first number of A.</summary>
    internal float* A;

    /// <summary>Floats from a row of A to the next.</summary>
    internal nint RowStride;

    /// <summary>Floats from a step of the sums in A to the next.</summary>
    internal nint StepStride;

    /// <summary>Rows of A.</summary>
    internal int Rows;

    /// <summary>The packed panel of B [k, columns].</summary>
    internal float* B;

    /// <summary>Columns of the panel.</summary>
    internal int Columns;

    /// <summary>The first number of C.</summary>
    internal float* C;

    /// <summary>Floats from a row of C to the next.</summary>
    internal nint CStride;

    /// <summary>Steps of the sums, k.</summary>
    internal int K;

    /// <summary>True to add to C instead of overwriting it.</summary>
    internal bool Accumulate;

    /// <summary>Memory that the caller needs next.</summary>
    internal byte* Next;

    /// <summary>Bytes of <see cref="Next"/> between two steps.</summary>
    internal nint NextStep;
}
