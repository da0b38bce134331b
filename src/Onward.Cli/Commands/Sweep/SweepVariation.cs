using System.CommandLine;
using System.Globalization;

namespace Onward.Cli;

/// <summary>An option of <c>onward train</c> that a sweep varies, with a list or a range of values.</summary>
/// <param name="Option">The option.</param>
/// <param name="Values">The list of values; empty if there is a range.</param>
/// <param name="Low">The lower end of the range.</param>
/// <param name="High">The upper end of the range.</param>
internal sealed record SweepVariation(Option Option, IReadOnlyList<string> Values, double Low, double High)
{
    // All runs of a sweep use the same data.
    private static readonly string[] OfTheData = ["--dataset", "--data", "--image-size", "--validation"];

    private const string RangeMark = "..";

    /// <summary>The name of the option without the leading dashes.</summary>
    internal string Name => Option.Name.TrimStart('-');

    /// <summary>True if values are drawn from a range.</summary>
    internal bool IsRange => Values.Count == 0;

    /// <summary>Parses NAME=VALUE,VALUE,... or NAME=LOW..HIGH. Values that contain commas are separated by | instead.</summary>
    /// <param name="text">The text on the command line.</param>
    /// <param name="options">The options that may vary.</param>
    internal static SweepVariation Read(string text, IReadOnlyList<Option> options)
    {
        string[] sides = text.Split('=', 2, StringSplitOptions.TrimEntries);
        if (sides is not [{ Length: > 0 } name, { Length: > 0 } values])
        {
            throw new CommandFault(
                $"--vary must be NAME=VALUE,VALUE,... or NAME=LOW..HIGH, such as lr=0.01,0.03; got {ParseFaults.Quote(text)}.");
        }

        Option[] variable = [.. options.Where(option => !OfTheData.Contains(option.Name))];
        name = name.TrimStart('-');
        Option option = variable.FirstOrDefault(candidate => candidate.Name == "--" + name)
            ?? throw Refuse(name, variable);
        if (values.Split(RangeMark) is [string low, string high])
        {
            return ReadRange(text, option, low, high);
        }

        string[] list = values.Split(values.Contains('|', StringComparison.Ordinal) ? '|' : ',', StringSplitOptions.TrimEntries);
        return list.Distinct().Count() == list.Length && list.All(value => value.Length > 0)
            ? new SweepVariation(option, list, 0, 0)
            : throw new CommandFault($"--vary {ParseFaults.Quote(text)} has a duplicate or an empty value. Give each value once.");
    }

    /// <summary>Draws a random value.</summary>
    /// <remarks>In a range, whole numbers are distributed uniformly. Other numbers are log-uniform and have three digits.</remarks>
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

    /// <summary>Returns the words of a command line that set the option to a value.</summary>
    internal string[] Words(string value) => Option is not Option<bool> ? [Option.Name, value] : value switch
    {
        "true" => [Option.Name],
        "false" => [],
        _ => throw new CommandFault($"--vary {Name} takes true or false; got {ParseFaults.Quote(value)}."),
    };

    private static CommandFault Refuse(string name, Option[] variable) => new(OfTheData.Contains("--" + name)
        ? $"--vary cannot vary {name}: all runs of a sweep use the same data. Run a separate sweep for each data set."
        : $"--vary: there is no option {ParseFaults.Quote(name)}"
            + $"{NearestName.Suggest(name, variable.Select(candidate => candidate.Name.TrimStart('-')))} "
            + "Name an option of 'onward train' that 'onward sweep' has too.");

    private static SweepVariation ReadRange(string text, Option option, string low, string high)
    {
        bool whole = option is Option<int?> or Option<ulong?>;
        if (!whole && option is not Option<double?>)
        {
            throw new CommandFault($"--vary {ParseFaults.Quote(text)} is not a range of numbers. List the values of this option.");
        }

        if (!double.TryParse(low, NumberStyles.Float, CultureInfo.InvariantCulture, out double from)
            || !double.TryParse(high, NumberStyles.Float, CultureInfo.InvariantCulture, out double to)
            || !(from < to && (whole ? from >= 0 && to < int.MaxValue && from % 1 == 0 && to % 1 == 0 : from > 0 && double.IsFinite(to))))
        {
            throw new CommandFault(
                $"--vary {ParseFaults.Quote(text)} is not a range of {(whole ? "whole numbers" : "numbers above 0")}. "
                + "Give the lower number first, such as lr=0.001..0.1.");
        }

        return new SweepVariation(option, [], from, to);
    }
}
