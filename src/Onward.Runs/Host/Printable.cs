using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Onward.Runs;

/// <summary>Text from anywhere, such as names of files and classes, in a form that a terminal shows and does not obey.</summary>
internal static partial class Printable
{
    /// <summary>
    /// The text with every character escaped that is not to be seen: control characters, ends of lines, marks of direction and halves of
    /// pairs. Escapes are written as in JSON, so a line of JSON keeps its meaning.
    /// </summary>
    internal static string Escape(string text)
    {
        StringBuilder? escaped = null;
        for (int i = 0; i < text.Length;)
        {
            bool isWhole = Rune.TryGetRuneAt(text, i, out Rune rune);
            int length = isWhole ? rune.Utf16SequenceLength : 1;
            if (!isWhole || IsHidden(rune))
            {
                escaped ??= new StringBuilder(text, 0, i, text.Length + 16);
                foreach (char half in text.AsSpan(i, length))
                {
                    escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)half:X4}");
                }
            }
            else
            {
                escaped?.Append(text, i, length);
            }

            i += length;
        }

        return escaped?.ToString() ?? text;
    }

    /// <summary>
    /// Breaks a text into lines between words. A word longer than a line, such as a path, and whatever is quoted stay whole.
    /// </summary>
    /// <param name="text">The text; spaces at its head indent the first line.</param>
    /// <param name="width">Columns of a line.</param>
    internal static IEnumerable<string> Wrap(string text, int width)
    {
        StringBuilder line = new(text, 0, text.Length - text.TrimStart(' ').Length, text.Length);
        bool isEmpty = true;
        foreach (Match word in Words().Matches(text))
        {
            if (!isEmpty && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
                isEmpty = true;
            }

            line.Append(isEmpty ? "" : " ").Append(word.ValueSpan);
            isEmpty = false;
        }

        yield return line.ToString();
    }

    /// <summary>The length of the longest part that <see cref="Wrap"/> keeps whole.</summary>
    internal static int LongestWord(string text) => Words().Matches(text).Select(word => word.Length).DefaultIfEmpty().Max();

    // Scripts of Persia and India, and emoji, need the two joiners, which move nothing.
    private static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        UnicodeCategory.Format => rune.Value is not (0x200C or 0x200D),
        _ => false,
    };

    [GeneratedRegex("""(?<!\S)\(?(?:'[^']*'|"[^"]*")\S*|\S+""")]
    private static partial Regex Words();
}
