using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>Copies or adds some columns of a row-major matrix.</summary>
/// <remarks>
/// A load and a store for each 16 or 4 floats, inline. Rows of 32 to 96 floats are so short that a call of a copying routine for each row
/// would take longer than the copy.
/// </remarks>
internal static unsafe class RowCopy
{
    private const int Lanes = 16;
    private const int Few = 4;

    /// <summary>target[row, 0 .. columns) = source[row, 0 .. columns) for each row.</summary>
    /// <param name="source">The first column of the first row.</param>
    /// <param name="stride">Floats between rows of the source.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="target">Receives the columns.</param>
    /// <param name="targetStride">Floats between rows of the target, at least <paramref name="columns"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Run(float* source, nint stride, int rows, int columns, float* target, nint targetStride)
    {
        for (int row = 0; row < rows; row++, source += stride, target += targetStride)
        {
            int i = 0;
            for (; i <= columns - Lanes; i += Lanes)
            {
                Vector512.Load(source + i).Store(target + i);
            }

            for (; i <= columns - Few; i += Few)
            {
                Vector128.Load(source + i).Store(target + i);
            }

            for (; i < columns; i++)
            {
                target[i] = source[i];
            }
        }
    }

    /// <summary>target[row, 0 .. columns) += source[row, 0 .. columns) for each row, in order: rows of the target may overlap.</summary>
    /// <param name="source">The first column of the first row.</param>
    /// <param name="stride">Floats between rows of the source.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="target">The sums.</param>
    /// <param name="targetStride">Floats between rows of the target.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Add(float* source, nint stride, int rows, int columns, float* target, nint targetStride)
    {
        for (int row = 0; row < rows; row++, source += stride, target += targetStride)
        {
            int i = 0;
            for (; i <= columns - Lanes; i += Lanes)
            {
                (Vector512.Load(target + i) + Vector512.Load(source + i)).Store(target + i);
            }

            for (; i <= columns - Few; i += Few)
            {
                (Vector128.Load(target + i) + Vector128.Load(source + i)).Store(target + i);
            }

            for (; i < columns; i++)
            {
                target[i] += source[i];
            }
        }
    }
}
