namespace Onward.Reports;

/// <summary>
/// Aligned columns of text: unless told otherwise, the first to the left, the others to the right or, if there is but one more, to the
/// left.
/// </summary>
/// <param name="left">The columns to the left.</param>
internal sealed class TextTable(params int[] left)
{
    private const string Gap = "  ", Indent = "    ";
    private const int LeastTextWidth = 24;

    private readonly List<string[]> _rows = [];

    private int Columns => _rows[0].Length;

    /// <summary>Adds a row; all rows have as many cells.</summary>
    internal TextTable Add(params string[] cells)
    {
        _rows.Add([.. cells.Select(Printable.Escape)]);
        return this;
    }

    /// <summary>
    /// Writes the rows. Where the width is less than a row takes, the row goes on in further lines, broken between cells and words.
    /// </summary>
    /// <param name="output">Takes the lines.</param>
    /// <param name="width">Columns of the terminal; null if the lines go elsewhere.</param>
    internal void Write(TextWriter output, int? width = null)
    {
        int[] widths = [.. Enumerable.Range(0, Columns).Select(column => _rows.Max(row => row[column].Length))];
        List<Part> parts = Divide(widths, width ?? int.MaxValue);
        foreach (string line in _rows.SelectMany(row => parts.SelectMany(part => Lines(row, part, widths))))
        {
            output.WriteLine(line);
        }
    }

    /// <summary>Writes the rows in Markdown; the first holds the headings.</summary>
    internal void WriteMarkdown(TextWriter output)
    {
        for (int i = 0; i < _rows.Count; i++)
        {
            output.WriteLine($"| {string.Join(" | ", _rows[i])} |");
            if (i == 0)
            {
                output.WriteLine($"|{string.Join('|', _rows[i].Select((_, column) => IsLeft(column) ? "---" : "--:"))}|");
            }
        }
    }

    private bool IsLeft(int column) => left.Length > 0 ? left.Contains(column) : column == 0 || Columns == 2;

    // Columns that stand beside one another; the text of the last column may be broken into lines.
    private List<Part> Divide(int[] widths, int width)
    {
        List<Part> parts = [];
        for (int first = 0, end; first < Columns; first = end)
        {
            string indent = first == 0 ? "" : Indent;
            int used = indent.Length + widths[first];
            for (end = first + 1; end < Columns && used + Gap.Length + widths[end] <= width; end++)
            {
                used += Gap.Length + widths[end];
            }

            int left = width - used - Gap.Length;
            if (end == Columns - 1 && IsLeft(end) && left >= Math.Max(LeastTextWidth, _rows.Max(row => Printable.LongestWord(row[end]))))
            {
                end++;
            }

            parts.Add(new Part(first, end, indent, width));
        }

        return parts;
    }

    private IEnumerable<string> Lines(string[] row, Part part, int[] widths)
    {
        string head = part.Indent
            + string.Concat(
                Enumerable.Range(part.First, part.End - 1 - part.First).Select(column => Pad(row[column], column, widths) + Gap));
        int last = part.End - 1;
        if (head.Length + widths[last] <= part.Width)
        {
            string line = (head + Pad(row[last], last, widths)).TrimEnd();
            return line.Length > 0 || part.First == 0 ? [line] : [];
        }

        return Printable.Wrap(row[last], part.Width - head.Length)
            .Select((text, i) => ((i == 0 ? head : new string(' ', head.Length)) + text).TrimEnd());
    }

    private string Pad(string cell, int column, int[] widths) =>
        IsLeft(column) ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]);

    private sealed record Part(int First, int End, string Indent, int Width);
}
