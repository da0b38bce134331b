using System.Globalization;

namespace Onward.Cli;

/// <summary>Aligned columns of text: unless told otherwise, the first to the left, the others to the right or, if there is but one more, to the left.</summary>
/// <param name="left">The columns to the left.</param>
internal sealed class TextTable(params int[] left)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row; all rows have as many cells.</summary>
    internal TextTable Add(params string[] cells)
    {
        _rows.Add(cells);
        return this;
    }

    /// <summary>Writes the rows.</summary>
    internal void Write(TextWriter output)
    {
        int[] widths = [.. Enumerable.Range(0, _rows[0].Length).Select(column => _rows.Max(row => row[column].Length))];
        foreach (string[] row in _rows)
        {
            IEnumerable<string> cells = row.Select((cell, column) => IsLeft(column) ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            output.WriteLine(string.Join("  ", cells).TrimEnd());
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

    private bool IsLeft(int column) => left.Length > 0 ? left.Contains(column) : column == 0 || _rows[0].Length == 2;

    /// <summary>Hours, minutes and seconds; below a minute, seconds and their tenths.</summary>
    internal static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00} h")
        : time.TotalMinutes >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00} min")
            : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s");

    /// <summary>An error.</summary>
    internal static string Percent(double error) => string.Create(CultureInfo.InvariantCulture, $"{error:0.00} %");
}
