using System.CommandLine;
using System.Globalization;

namespace Onward.Cli;

/// <summary>An option of <c>onward train</c> and the values that a sweep gives it: a list or, where settings are drawn, a range.</summary>
/// <param name="Option">The option.</param>
/// <param name="Values">The values; empty where there is a range.</param>
/// <param name="Low">The range's lower end.</param>
/// <param name="High">Its upper end.</param>
internal sealed record SweepVariation(Option Option, IReadOnlyList<string> Values, double Low, double High)
{
    // All runs of a sweep learn from the same images.
    private static readonly string[] OfTheData = ["--dataset", "--data", "--image-size", "--validation"];

    private const string RangeMark = "..";

    /// <summary>The option's name without dashes.</summary>
    internal string Name => Option.Name.TrimStart('-');

    /// <summary>Whether values are drawn from a range.</summary>
    internal bool IsRange => Values.Count == 0;

    /// <summary>Reads NAME=VALUE,VALUE,..., NAME=VALUE|VALUE|... where values hold commas, or NAME=LOW..HIGH.</summary>
    /// <param name="text">What was typed.</param>
    /// <param name="options">The options that may vary.</param>
    internal static SweepVariation Read(string text, IReadOnlyList<Option> options)
    {
        string[] sides = text.Split('=', 2, StringSplitOptions.TrimEntries);
        if (sides is not [{ Length: > 0 } name, { Length: > 0 } values])
        {
            throw new CommandFault(
                $"--vary must be NAME=VALUE,VALUE,... or NAME=LOW..HIGH, as in lr=0.01,0.03; got {ParseFaults.Quote(text)}.");
        }

        Option[] variable = [.. options.Where(option => !OfTheData.Contains(option.Name))];
        name = name.TrimStart('-');
        Option option = variable.FirstOrDefault(candidate => candidate.Name == "--" + name)
            ?? throw new CommandFault(OfTheData.Contains("--" + name)
                ? $"--vary cannot vary {name}: all runs of a sweep learn from the same images. Make a sweep for each."
                : $"--vary knows no option {ParseFaults.Quote(name)}{NearestName.Suggest(name, variable.Select(candidate => candidate.Name.TrimStart('-')))} It takes options of 'onward sweep' that are options of 'onward train' too.");
        if (values.Split(RangeMark) is [string low, string high])
        {
            return ReadRange(text, option, low, high);
        }

        string[] list = values.Split(values.Contains('|', StringComparison.Ordinal) ? '|' : ',', StringSplitOptions.TrimEntries);
        return list.Distinct().Count() == list.Length && list.All(value => value.Length > 0)
            ? new SweepVariation(option, list, 0, 0)
            : throw new CommandFault($"--vary {ParseFaults.Quote(text)} holds a value twice, or an empty one. Name each value once.");
    }

    /// <summary>Draws a value.</summary>
    /// <remarks>From a range whole numbers are drawn evenly, others evenly by their logarithm, to three digits.</remarks>
    internal string Draw(Random random)
    {
        if (!IsRange)
        {
            return Values[random.Next(Values.Count)];
        }

        return Option is Option<double?>
            ? (Low * Math.Pow(High / Low, random.NextDouble())).ToString("G3", CultureInfo.InvariantCulture)
            : random.NextInt64((long)Low, (long)High + 1).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The words of a command line that give the option a value.</summary>
    internal string[] Words(string value) => Option is not Option<bool> ? [Option.Name, value] : value switch
    {
        "true" => [Option.Name],
        "false" => [],
        _ => throw new CommandFault($"--vary {Name} takes true and false; got {ParseFaults.Quote(value)}."),
    };

    private static SweepVariation ReadRange(string text, Option option, string low, string high)
    {
        bool whole = option is not Option<double?>;
        if (!(option is Option<double?> or Option<int?> or Option<ulong?>)
            || !double.TryParse(low, NumberStyles.Float, CultureInfo.InvariantCulture, out double from)
            || !double.TryParse(high, NumberStyles.Float, CultureInfo.InvariantCulture, out double to)
            || !(from < to && (whole ? from >= 0 && to < int.MaxValue && from % 1 == 0 && to % 1 == 0 : from > 0 && double.IsFinite(to))))
        {
            throw new CommandFault(
                $"--vary {ParseFaults.Quote(text)} is no range: it takes two numbers, the lower first, above 0, and whole where the option takes whole ones.");
        }

        return new SweepVariation(option, [], from, to);
    }
}
