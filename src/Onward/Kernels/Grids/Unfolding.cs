using System.Numerics.Tensors;

namespace Onward.Kernels;

/// <summary>
/// The matrix whose rows are the windows of a grid: [windows, row of the window, column of the window, channel], 0 beyond the edge. A
/// convolution is its product with the weight.
/// </summary>
/// <param name="grid">The windows.</param>
/// <param name="channels">Channels at each position.</param>
/// <param name="first">The first channel that windows take.</param>
/// <param name="count">Channels that windows take.</param>
internal readonly unsafe struct Unfolding(WindowGrid grid, int channels, int first, int count)
{
    /// <summary>Writes some columns of consecutive rows of the matrix.</summary>
    /// <param name="values">Values [examples, positions, channels].</param>
    /// <param name="window">The first window, counted over all examples.</param>
    /// <param name="windows">Number of windows.</param>
    /// <param name="start">The first column.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="target">Receives [windows, columns].</param>
    internal void Unfold(ReadOnlySpan<float> values, int window, int windows, int start, int columns, Span<float> target)
    {
        fixed (float* source = values, end = target[..checked(windows * columns)])
        {
            Walk(source, values.Length, window, windows, start, columns, end, folds: false);
        }
    }

    /// <summary>
    /// Adds consecutive rows of the matrix to the values that they were taken from: the transpose of <see cref="Unfold"/>.
    /// </summary>
    /// <param name="rows">Whole rows of the matrix.</param>
    /// <param name="window">The first window, counted over all examples.</param>
    /// <param name="windows">Number of windows.</param>
    /// <param name="values">The sums [examples, positions, channels].</param>
    internal void Fold(ReadOnlySpan<float> rows, int window, int windows, Span<float> values)
    {
        int columns = grid.Side * RowLength;
        fixed (float* sums = values, matrix = rows[..checked(windows * columns)])
        {
            Walk(sums, values.Length, window, windows, 0, columns, matrix, folds: true);
        }
    }

    // Numbers of the matrix in a row of a window.
    private int RowLength => grid.Side * count;

    // Goes through the windows beside each other, and for these through the rows of a window.
    private void Walk(float* values, int length, int window, int windows, int start, int columns, float* matrix, bool folds)
    {
        int example = grid.Positions * channels;
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)(window + windows + grid.Count - 1) / grid.Count * example, length);
        for (int end = window + windows, beside; window < end; window += beside, matrix += beside * columns)
        {
            int x = window % grid.Columns, place = window % grid.Count;
            beside = Math.Min(grid.Columns - x, end - window);
            int top = (place / grid.Columns * grid.Stride) - grid.Before;
            float* image = values + ((nint)(window / grid.Count) * example);
            for (int i = start / RowLength; i * RowLength < start + columns; i++)
            {
                int from = Math.Max(start - (i * RowLength), 0), to = Math.Min(start + columns - (i * RowLength), RowLength);
                float* row = top + i < 0 || top + i >= grid.Height ? null : image + ((nint)(top + i) * grid.Width * channels);
                float* part = matrix + (i * RowLength) + from - start;
                if (count == channels)
                {
                    Move(row, from, to, x, beside, part, columns, folds);
                    continue;
                }

                // The channels of a group are adjacent at one position only.
                for (int at = from, next; at < to; part += next - at, at = next)
                {
                    next = Math.Min(to, ((at / count) + 1) * count);
                    Move(row, at, next, x, beside, part, columns, folds);
                }
            }
        }
    }

    // Copies or adds the numbers from..to of the same row of all windows beside each other. Those numbers are adjacent in the values.
    private void Move(float* row, int from, int to, int x, int windows, float* part, int columns, bool folds)
    {
        // The windows that have all these numbers on the grid.
        int inside = x, outside = x;
        if (row != null)
        {
            int firstColumn = grid.Before - (from / count), endColumn = grid.Width + grid.Before - ((to - 1) / count);
            inside = Math.Clamp((Math.Max(firstColumn, 0) + grid.Stride - 1) / grid.Stride, x, x + windows);
            outside = Math.Clamp((Math.Max(endColumn, 0) + grid.Stride - 1) / grid.Stride, inside, x + windows);
        }

        for (int i = x; i < x + windows; i++)
        {
            if (i == inside && outside > inside)
            {
                float* source = row + Source(i, from), target = part + ((nint)(i - x) * columns);
                int stride = grid.Stride * channels, rows = outside - inside;
                if (folds)
                {
                    RowCopy.Add(target, columns, rows, to - from, source, stride);
                }
                else
                {
                    RowCopy.Run(source, stride, rows, to - from, target, columns);
                }

                i = outside - 1;
                continue;
            }

            MoveAtEdge(row, from, to, i, part + ((nint)(i - x) * columns), folds);
        }
    }

    private void MoveAtEdge(float* row, int from, int to, int window, float* part, bool folds)
    {
        int left = (window * grid.Stride) - grid.Before;
        int begin = row == null ? to : Math.Clamp(-left * count, from, to);
        int end = row == null ? to : Math.Clamp((grid.Width - left) * count, begin, to);
        Span<float> target = new(part, to - from), middle = target[(begin - from)..(end - from)];
        if (!folds)
        {
            target[..(begin - from)].Clear();
            target[(end - from)..].Clear();
        }

        if (!middle.IsEmpty)
        {
            Span<float> source = new(row + Source(window, begin), middle.Length);
            if (folds)
            {
                TensorPrimitives.Add(source, middle, source);
            }
            else
            {
                source.CopyTo(middle);
            }
        }
    }

    // The place in a row of the grid of a number in a row of a window.
    private nint Source(int window, int at) =>
        ((nint)((window * grid.Stride) - grid.Before + (at / count)) * channels) + first + (at % count);
}
