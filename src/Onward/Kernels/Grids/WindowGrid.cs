namespace Onward.Kernels;

/// <summary>Square windows over a grid of positions, one after another along the rows. Places beyond the edge are in no window.</summary>
/// <param name="Height">Rows of the grid.</param>
/// <param name="Width">Columns of the grid.</param>
/// <param name="Side">Places along each side of a window.</param>
/// <param name="Stride">Places from a window to the next.</param>
/// <param name="Before">Places by which the first window begins in front of the grid.</param>
/// <param name="Rows">Windows below each other.</param>
/// <param name="Columns">Windows beside each other.</param>
internal readonly record struct WindowGrid(int Height, int Width, int Side, int Stride, int Before, int Rows, int Columns)
{
    /// <summary>Number of windows.</summary>
    internal int Count => Rows * Columns;

    /// <summary>Number of positions.</summary>
    internal int Positions => Height * Width;

    /// <summary>The windows of a grid that is padded alike on all sides; windows that end beyond the padding are left out.</summary>
    internal static WindowGrid Padded(int height, int width, int side, int stride, int padding) => new(
        height, width, side, stride, padding, WindowsAlong(height, side, stride, padding), WindowsAlong(width, side, stride, padding));

    /// <summary>The number of windows along a side of a padded grid; 0 or less if the padded side is shorter than a window.</summary>
    internal static int WindowsAlong(int length, int side, int stride, int padding)
    {
        long rest = length + (2L * padding) - side;
        return rest < 0 ? 0 : checked((int)((rest / stride) + 1));
    }

    /// <summary>The part of a window that lies on the grid.</summary>
    /// <param name="window">The number of the window.</param>
    internal Window this[int window]
    {
        get
        {
            int top = (window / Columns * Stride) - Before, left = (window % Columns * Stride) - Before;
            return new(
                top,
                left,
                Math.Max(0, -top),
                Math.Min(Side, Height - top),
                Math.Max(0, -left),
                Math.Min(Side, Width - left));
        }
    }

    /// <summary>One window: the position of its corner, and the rows and columns of the window that lie on the grid.</summary>
    /// <param name="Top">The row of the corner.</param>
    /// <param name="Left">The column of the corner.</param>
    /// <param name="FirstRow">The first row of the window on the grid.</param>
    /// <param name="EndRow">The row of the window behind the last on the grid.</param>
    /// <param name="FirstColumn">The first column of the window on the grid.</param>
    /// <param name="EndColumn">The column of the window behind the last on the grid.</param>
    internal readonly record struct Window(int Top, int Left, int FirstRow, int EndRow, int FirstColumn, int EndColumn)
    {
        /// <summary>Places on the grid.</summary>
        internal int Count => Math.Max(0, EndRow - FirstRow) * Math.Max(0, EndColumn - FirstColumn);
    }
}
