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
internal readonly struct Unfolding(WindowGrid grid, int channels, int first, int count)
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
        for (int end = window + windows; window < end; window++, target = target[columns..])
        {
            ReadOnlySpan<float> example = ExampleOf(values, window);
            WindowGrid.Window place = grid[window % grid.Count];
            for (int i = start / RowLength; i * RowLength < start + columns; i++)
            {
                int from = Math.Max(start, i * RowLength), to = Math.Min(start + columns, (i + 1) * RowLength);
                Span<float> row = target[(from - start)..(to - start)];
                if (i < place.FirstRow || i >= place.EndRow)
                {
                    row.Clear();
                    continue;
                }

                // Columns on the grid, counted within the row of the window.
                int left = Math.Clamp(place.FirstColumn * count, from - (i * RowLength), to - (i * RowLength));
                int right = Math.Clamp(place.EndColumn * count, left, to - (i * RowLength));
                from -= i * RowLength;
                row[..(left - from)].Clear();
                row[(right - from)..].Clear();
                for (int at = left, length; at < right; at += length)
                {
                    length = LengthAt(at, right);
                    example.Slice(Source(place, i, at), length).CopyTo(row[(at - from)..]);
                }
            }
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
        for (int end = window + windows; window < end; window++, rows = rows[(grid.Side * RowLength)..])
        {
            Span<float> example = values.Slice(window / grid.Count * grid.Positions * channels, grid.Positions * channels);
            WindowGrid.Window place = grid[window % grid.Count];
            for (int i = place.FirstRow; i < place.EndRow; i++)
            {
                int right = place.EndColumn * count;
                for (int at = place.FirstColumn * count, length; at < right; at += length)
                {
                    length = LengthAt(at, right);
                    Span<float> sum = example.Slice(Source(place, i, at), length);
                    TensorPrimitives.Add(sum, rows.Slice((i * RowLength) + at, length), sum);
                }
            }
        }
    }

    // Numbers of the matrix in a row of a window.
    private int RowLength => grid.Side * count;

    private ReadOnlySpan<float> ExampleOf(ReadOnlySpan<float> values, int window) =>
        values.Slice(window / grid.Count * grid.Positions * channels, grid.Positions * channels);

    // The place in the example of a number in a row of a window.
    private int Source(in WindowGrid.Window place, int row, int at) =>
        ((((place.Top + row) * grid.Width) + place.Left + (at / count)) * channels) + first + (at % count);

    // Numbers from one place on that are adjacent in the example too: up to the end, or up to the end of the position.
    private int LengthAt(int at, int end) => count == channels ? end - at : Math.Min(end - at, count - (at % count));
}
