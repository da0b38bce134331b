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
        return new(Through(input.Height, _rows, layer.PlacesOf), Through(input.Width, _columns, layer.ColumnsOf));

        static Range[] Through(int side, Range[] next, Func<int, int, Range> placesOf) =>
            [.. Enumerable.Range(0, side).Select(place => next[placesOf(place, next.Length)].Aggregate(new Range(), Union))];
    }

    /// <summary>The positions that can be changed on either of two paths.</summary>
    internal ReachedPositions Or(ReachedPositions other) =>
        new([.. _rows.Zip(other._rows, Union)], [.. _columns.Zip(other._columns, Union)]);

    /// <summary>True if every position can change every position of the output.</summary>
    internal bool AreAll(ExampleShape output) =>
        Array.TrueForAll(_rows, range => range.Equals(..output.Height))
        && Array.TrueForAll(_columns, range => range.Equals(..output.Width));

    /// <summary>True if every position can change itself and all later positions of a sequence, and no other.</summary>
    internal bool AreLater(ExampleShape output) =>
        output.Width == 1 && _columns.Length == 1 && _rows.Length == output.Height
        && _rows.Index().All(row => row.Item.Equals(row.Index..output.Height));

    /// <summary>True if no position can change a position of an earlier row.</summary>
    internal bool AreNoEarlier => _rows.Index().All(row => row.Item.Equals(new Range()) || row.Item.Start.Value >= row.Index);

    // The smallest range that contains both; an empty one adds nothing.
    private static Range Union(Range one, Range other)
    {
        (int first, int end, int start, int stop) = (one.Start.Value, one.End.Value, other.Start.Value, other.End.Value);
        return first == end ? other : start == stop ? one : Math.Min(first, start)..Math.Max(end, stop);
    }
}
