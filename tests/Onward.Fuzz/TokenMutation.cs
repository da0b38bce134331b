using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Onward.Fuzz;

/// <summary>Mutates whole tokens of JSON or CSV, so that the result is often still valid text with another meaning.</summary>
internal static partial class TokenMutation
{
    private const int BytesInPercent = 10;

    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "1", "2", "-1", "-0", "0.5", "1e308", "-1e308", "1e999", "1e-400", "NaN", "\"NaN\"", "\"Infinity\"",
        "4096", "1000000", "2147483647", "2147483648", "-2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
        "18446744073709551615", "18446744073709551616", "\"\"", "\"x\"", "\"0\"", "\"-h\"", "\"--help\"", "\"--lr\"", "\"\\u0000\"",
        "\"\\ud800\"", "\"\\u001b[2J\"", "\"a\\nb\"", "\"\\u2028\"", "\"1,2\"", "\"@x\"", "\"[diagram]\"", "{}", "[]", "[null]", "[1]",
        "[-1]", "[{}]", "[1,1,1,1]", "[[1]]", "{\"a\":1}", "{\"a\":1,\"a\":1}",
    ];

    private static readonly string[] Marks = ["{", "}", "[", "]", ",", ":", "\"", "/*", "//", "\n", "#", "\ufeff"];

    /// <summary>Makes up to four changes.</summary>
    internal static byte[] Apply(byte[] content, byte[] donor, Draw draw)
    {
        List<string> tokens = Split(Encoding.UTF8.GetString(content));
        for (int rounds = draw.Pick([1, 1, 1, 2, 4]); rounds > 0 && tokens.Count > 0; rounds--)
        {
            Change(tokens, donor, draw);
        }

        byte[] text = Encoding.UTF8.GetBytes(string.Concat(tokens));
        return draw.Percent(BytesInPercent) ? ByteMutation.Apply(text, donor, draw) : text;
    }

    private static void Change(List<string> tokens, byte[] donor, Draw draw)
    {
        int at = draw.Below(tokens.Count);
        int[] values = [.. Enumerable.Range(0, tokens.Count).Where(i => char.IsLetterOrDigit(tokens[i][0]) || tokens[i][0] is '"' or '-')];
        int value = values.Length > 0 ? draw.Pick(values) : at;
        switch (draw.Below(12))
        {
            case 0 or 1 or 2:
                tokens[value] = draw.Pick(Values);
                break;
            case 3:
                tokens[value] = Large(draw);
                break;
            case 4:
                tokens[value] = Rename(tokens[value], draw);
                break;
            case 5:
                tokens[value] = Near(tokens[value], draw);
                break;
            case 6:
                tokens[value] = tokens[draw.Pick(values.Length > 0 ? values : [at])];
                break;
            case 7:
                tokens.RemoveRange(at, Math.Min(1 + draw.Below(8), tokens.Count - at));
                break;
            case 8:
                // Repeats tokens, often a key.
                tokens.InsertRange(at, tokens.GetRange(at, Math.Min(1 + draw.Below(8), tokens.Count - at)));
                break;
            case 9:
                tokens.Insert(at, draw.Pick(Marks));
                break;
            case 10:
                List<string> others = Split(Encoding.UTF8.GetString(donor.AsSpan(0, Math.Min(donor.Length, 4096))));
                int from = draw.Below(others.Count + 1);
                tokens.InsertRange(at, others.Skip(from).Take(1 + draw.Below(16)));
                break;
            default:
                int other = draw.Below(tokens.Count);
                (tokens[at], tokens[other]) = (tokens[other], tokens[at]);
                break;
        }
    }

    // A number close to the original, or with another sign or magnitude.
    private static string Near(string token, Draw draw) => double.TryParse(token, CultureInfo.InvariantCulture, out double number)
        ? draw.Pick([number + 1, number - 1, -number, number * 2, number * 10, number / 2, number * number])
            .ToString("R", CultureInfo.InvariantCulture)
        : draw.Pick(Values);

    private static string Rename(string token, Draw draw)
    {
        int at = draw.Below(token.Length);
        return draw.Below(4) switch
        {
            0 when token.Length > 1 => token.Remove(at, 1),
            1 => token.Insert(at, ((char)(' ' + draw.Below(95))).ToString()),
            2 => token.ToUpperInvariant(),
            _ => token.Insert(Math.Max(1, at), draw.Pick(["\\u0000", "\\ud83d", "\\n", "\\u0041", "é", "\u0001", "--"])),
        };
    }

    // Deeply nested, long, or with many digits.
    private static string Large(Draw draw)
    {
        int length = draw.Pick([10, 63, 64, 65, 1000, 10_000]);
        return draw.Below(6) switch
        {
            0 => new string('[', length) + new string(']', length),
            1 => string.Concat(Enumerable.Repeat("{\"a\":", length)) + "1" + new string('}', length),
            2 => $"\"{new string('x', length)}\"",
            3 => new string('9', length),
            4 => $"[{string.Join(',', Enumerable.Repeat("1", length))}]",
            _ => $"0.{new string('0', length)}1",
        };
    }

    private static List<string> Split(string text) => [.. Token().Matches(text).Select(match => match.Value)];

    [GeneratedRegex("\"(?:[^\"\\\\]|\\\\.)*\"|-?[0-9][0-9.eE+-]*|[A-Za-z_]+|\\s+|.", RegexOptions.Singleline)]
    private static partial Regex Token();
}
