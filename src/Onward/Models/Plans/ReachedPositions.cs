using Onward.Layers;

namespace Onward.Models;

/// <summary>
/// The positions of a block's output that each position of a grid before it can change. They are adjacent rows times adjacent columns,
/// because windows are.
/// </summary>
internal sealed class ReachedPositions
{
    private readonly Range[] _rows; // of the output, for each row of the grid
    private readonly Range[] _columns;

    private ReachedPositions(Range[] rows, Range[] columns) => (_rows, _columns) = (rows, columns);

    /// <summary>The rows and columns of the output that a position of the grid can change.</summary>
    internal (Range Rows, Range Columns) this[int position] => (_rows[position / _columns.Length], _columns[position % _columns.Length]);

    /// <summary>Each position of the output itself.</summary>
    internal static ReachedPositions Own(ExampleShape output)
    {
        return new(Places(output.Height), Places(output.Width));

        static Range[] Places(int side) => [.. Enumerable.Range(0, side).Select(place => place..(place + 1))];
    }

    /// <summary>The positions that a layer in front of this grid can change through it.</summary>
    /// <param name="layer">The reach of the layer.</param>
    /// <param name="input">The shape of the layer's input.</param>
    internal ReachedPositions Before(Reach layer, ExampleShape input)
    {
        return new(Through(input.Height, _rows), Through(input.Width, _columns));

        Range[] Through(int side, Range[] next) =>
            [.. Enumerable.Range(0, side).Select(place => next[layer.PlacesOf(place, next.Length)].Aggregate(new Range(), Union))];
    }

    /// <summary>The positions that can be changed on either of two paths.</summary>
    internal ReachedPositions Or(ReachedPositions other) =>
        new([.. _rows.Zip(other._rows, Union)], [.. _columns.Zip(other._columns, Union)]);

    /// <summary>True if every position can change every position of the output.</summary>
    internal bool AreAll(ExampleShape output) =>
        Array.TrueForAll(_rows, range => range.Equals(..output.Height))
        && Array.TrueForAll(_columns, range => range.Equals(..output.Width));

    // The smallest range that contains both; an empty one adds nothing.
    private static Range Union(Range one, Range other)
    {
        (int first, int end, int start, int stop) = (one.Start.Value, one.End.Value, other.Start.Value, other.End.Value);
        return first == end ? other : start == stop ? one : Math.Min(first, start)..Math.Max(end, stop);
    }
}
