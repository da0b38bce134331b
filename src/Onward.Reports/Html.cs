using System.Globalization;
using System.Net;

namespace Onward.Reports;

/// <summary>Pieces of a page of HTML. Whatever is not a piece already is escaped.</summary>
internal static class Html
{
    /// <summary>
    /// Text, in an element or in an attribute. Characters that a page would not show are escaped, such as marks of direction.
    /// </summary>
    internal static string Text(string text) => WebUtility.HtmlEncode(Printable.Escape(text));

    /// <summary>A number as SVG and CSS want it.</summary>
    internal static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>An element around pieces.</summary>
    /// <param name="tag">Its name, with attributes or without.</param>
    /// <param name="pieces">The pieces.</param>
    internal static string Element(string tag, params IEnumerable<string> pieces) =>
        $"<{tag}>{string.Concat(pieces)}</{tag.Split(' ')[0]}>";

    /// <summary>A table; the first cell of each row is its heading.</summary>
    /// <param name="style">Class of the table.</param>
    /// <param name="columns">Headings, as text.</param>
    /// <param name="rows">Cells, as pieces.</param>
    internal static string Table(string style, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        string head = columns.Count == 0
            ? ""
            : Element("thead", Element("tr", columns.Select(column => Element("th scope=\"col\"", Text(column)))));
        string body = Element(
            "tbody",
            rows.Select(row => Element("tr", row.Select((cell, i) => i == 0 ? Element("th scope=\"row\"", cell) : Element("td", cell)))));
        return Element("div class=\"scroll\"", Element($"table class=\"{style}\"", head, body));
    }
}
