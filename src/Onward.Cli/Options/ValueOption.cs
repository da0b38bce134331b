using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Onward.Cli;

/// <summary>Creates options whose parse errors are one sentence: the option, the values it takes, and the value it got.</summary>
/// <remarks>An option that is not given has the value null. Its default may depend on other options.</remarks>
internal static class ValueOption
{
    /// <summary>The parser settings for all command lines.</summary>
    internal static readonly ParserConfiguration Parsing = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    /// <summary>Creates an option for a whole number in a range.</summary>
    internal static Option<int?> Whole(string name, string help, int least, int most = int.MaxValue) => new(name)
    {
        Description = help,
        HelpName = "N",
        CustomParser = result => Convert<int?>(
            result,
            text => int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most
                ? value
                : null,
            most == int.MaxValue
                ? string.Create(CultureInfo.InvariantCulture, $"a whole number, {least} or more")
                : string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}")),
    };

    /// <summary>Creates an option for a seed: an unsigned whole number of 64 bits.</summary>
    internal static Option<ulong?> Seed(string name, string help) => new(name)
    {
        Description = help,
        HelpName = "N",
        CustomParser = result => Convert<ulong?>(
            result,
            text => ulong.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out ulong value) ? value : null,
            "a whole number, 0 or more"),
    };

    /// <summary>Creates an option for a number.</summary>
    internal static Option<double?> Number(string name, string help, string rule, Func<double, bool> holds) => new(name)
    {
        Description = help,
        HelpName = "X",
        CustomParser = result => Convert<double?>(
            result,
            text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                && double.IsFinite(value)
                && holds(value)
                    ? value
                    : null,
            $"a number {rule}"),
    };

    /// <summary>Creates the option for early exit.</summary>
    internal static Option<double?> ExitConfidence() =>
        Number(
            "--exit-confidence",
            "Early exit: take the prediction of the first block whose head reaches this probability. Default: no early exit",
            "above 0 and at most 1",
            value => value is > 0 and <= 1);

    /// <summary>Creates an option for one of several names, in upper or lower case.</summary>
    internal static Option<string?> Name(string name, string help, IReadOnlyList<string> names)
    {
        Option<string?> option = new(name)
        {
            Description = help,
            HelpName = "NAME",
            CustomParser = result =>
            {
                string? known = Known(result.Tokens[0].Value, names);
                if (known is null)
                {
                    result.AddError(Unknown(name, result.Tokens[0].Value, names));
                }

                return known;
            },
        };
        option.CompletionSources.Add([.. names]);
        return option;
    }

    /// <summary>Creates an argument for one of several names, in upper or lower case.</summary>
    internal static Argument<string> NameArgument(string name, IReadOnlyList<string> names)
    {
        Argument<string> argument = new(name)
        {
            Description = List(names),
            HelpName = name,
            CustomParser = result =>
            {
                string? known = Known(result.Tokens[0].Value, names);
                if (known is null)
                {
                    result.AddError(Unknown(name, result.Tokens[0].Value, names));
                }

                return known;
            },
        };
        argument.CompletionSources.Add([.. names]);
        return argument;
    }

    /// <summary>Creates an optional argument for one of several names, in upper or lower case. Its default is null.</summary>
    internal static Argument<string?> OptionalName(string name, IReadOnlyList<string> names)
    {
        Argument<string?> argument = new(name)
        {
            Description = List(names),
            HelpName = name,
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = result =>
            {
                string? known = result.Tokens is [{ Value: string text }] ? Known(text, names) : null;
                if (known is null && result.Tokens is [{ Value: string unknown }])
                {
                    result.AddError(Unknown(name, unknown, names));
                }

                return known;
            },
        };
        argument.CompletionSources.Add([.. names]);
        return argument;
    }

    /// <summary>Creates an option for a list of names, in upper or lower case, separated by commas.</summary>
    /// <remarks>If the option is not given, its value is an empty list.</remarks>
    internal static Option<string[]> Names(string name, string help, IReadOnlyList<string> names)
    {
        Option<string[]> option = new(name)
        {
            Description = help,
            Arity = ArgumentArity.ExactlyOne,
            HelpName = "LIST",
            CustomParser = result =>
            {
                string[] typed = result.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries);
                string?[] known = [.. typed.Select(text => Known(text, names))];
                if (Array.IndexOf(known, null) is >= 0 and int unknown)
                {
                    result.AddError(Unknown(name, typed[unknown], names));
                    return null;
                }

                if (known.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { Key: string twice })
                {
                    result.AddError($"{name} contains {twice} twice. Name it once.");
                    return null;
                }

                return known!;
            },
        };

        option.CompletionSources.Add(context =>
        {
            string before = context.WordToComplete[..(context.WordToComplete.LastIndexOf(',') + 1)];
            return names.Select(last => new CompletionItem(before + last));
        });
        return option;
    }

    /// <summary>Creates an option for a list of whole numbers, 1 or more, separated by commas.</summary>
    /// <remarks>If the option is not given, its value is an empty list.</remarks>
    internal static Option<int[]> Factors(string name, string help) => new(name)
    {
        Description = help,
        Arity = ArgumentArity.ExactlyOne,
        HelpName = "LIST",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            int?[] factors = [.. text.Split(',').Select(ReadFactor)];
            if (factors.Contains(null))
            {
                result.AddError(
                    $"{name} must be whole numbers, 1 or more, separated by commas, one for each block; got {ParseFaults.Quote(text)}.");
                return null;
            }

            return [.. factors.Select(factor => factor!.Value)];
        },
    };

    /// <summary>Creates an option for the path of a folder.</summary>
    internal static Option<string?> Folder(string name, string help) => PathOption(name, help, "DIR", "a folder");

    /// <summary>Creates an option for the path of a file.</summary>
    internal static Option<string?> File(string name, string help) => PathOption(name, help, "FILE", "a file");

    /// <summary>Creates an option for the folder of a run or a file.</summary>
    internal static Option<string?> RunOrFile(string name, string help) => PathOption(name, help, "RUN|FILE", "a folder or a file");

    /// <summary>Creates an argument for a path.</summary>
    internal static Argument<string> Path(string name, string help) => new(name)
    {
        Description = help,
        CustomParser = result => ReadPath(name, result.Tokens[0].Value, result),
    };

    /// <summary>Creates an argument for one or more paths.</summary>
    internal static Argument<string[]> Paths(string name, string help) => new(name)
    {
        Description = help,
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result => [.. result.Tokens.Select(token => ReadPath(name, token.Value, result)!)],
    };

    /// <summary>Joins names with commas and "or".</summary>
    internal static string List(IReadOnlyList<string> names) =>
        names.Count == 1 ? names[0] : $"{string.Join(", ", names.SkipLast(1))} or {names[^1]}";

    /// <summary>Finds the name that a text matches in upper or lower case, or returns null.</summary>
    internal static string? Known(string text, IReadOnlyList<string> names) =>
        names.FirstOrDefault(known => known.Equals(text, StringComparison.OrdinalIgnoreCase));

    /// <summary>Formats the parse error for a text that is none of the names.</summary>
    internal static string Unknown(string option, string text, IReadOnlyList<string> names) =>
        $"{option}: unknown value {ParseFaults.Quote(text)}{NearestName.Suggest(text, names)} Choose {List(names)}.";

    private static Option<string?> PathOption(string name, string help, string helpName, string what) => new(name)
    {
        Description = help,
        HelpName = helpName,
        CustomParser = result =>
            Convert(result, text => IsPath(text) && !ParseFaults.TookAnOption(result) ? Expand(text) : null, $"the path of {what}"),
    };

    private static int? ReadFactor(string text) =>
        int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) && value >= 1 ? value : null;

    private static string? ReadPath(string name, string text, ArgumentResult result)
    {
        if (IsPath(text))
        {
            return Expand(text);
        }

        result.AddError($"{name} must be a path; got {ParseFaults.Quote(text)}.");
        return null;
    }

    // Shells replace ~ at the start of a word, but not after an equals sign or in a JSON file.
    private static string Expand(string path)
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length > 0 && (path == "~" || path.StartsWith("~/", StringComparison.Ordinal)) ? home + path[1..] : path;
    }

    private static bool IsPath(string text) => text.Length > 0 && !text.Contains('\0', StringComparison.Ordinal);

    private static T? Convert<T>(ArgumentResult result, Func<string, T?> read, string rule)
    {
        string text = result.Tokens[0].Value;
        T? value = read(text);
        if (value is null)
        {
            result.AddError($"{((OptionResult)result.Parent!).Option.Name} must be {rule}; got {ParseFaults.Quote(text)}.");
        }

        return value;
    }
}
