using System.Text;

namespace Onward.Runs;

/// <summary>Commands that the user may copy into a shell.</summary>
internal static class CommandLineText
{
    /// <summary>A word as a POSIX shell takes it: quoted only where it has to be.</summary>
    internal static string Quote(string word)
    {
        bool mayHoldBackslash = OperatingSystem.IsWindows() || !word.Contains('\\', StringComparison.Ordinal);
        if (word.Length > 0 && word[0] != '~' && mayHoldBackslash
            && word.All(letter => char.IsLetterOrDigit(letter) || "-_./,:+=@%~\\".Contains(letter, StringComparison.Ordinal)))
        {
            return word;
        }

        if (Printable.Escape(word) != word)
        {
            return $"$'{string.Concat(word.EnumerateRunes().Select(Escape))}'";
        }

        // Double quotes, since messages put commands in single ones.
        return word.AsSpan().IndexOfAny("\"$`\\!") < 0 ? $"\"{word}\"" : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }

    private static string Escape(Rune rune) => rune.Value is '\'' or '\\' ? $"\\{rune}"
        : Printable.Escape(rune.ToString()) == rune.ToString() ? rune.ToString()
        : string.Concat(Encoding.UTF8.GetBytes(rune.ToString()).Select(part => $"\\x{part:x2}"));
}
