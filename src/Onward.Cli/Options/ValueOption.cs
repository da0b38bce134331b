using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Onward.Cli;

/// <summary>Makes options whose faults are one sentence that names the option, the rule and what was given.</summary>
/// <remarks>An option that is not given has the value null: its default depends on others.</remarks>
internal static class ValueOption
{
    /// <summary>Says how the words of a command line are told apart.</summary>
    internal static readonly ParserConfiguration Parsing = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    /// <summary>A whole number in a range.</summary>
    internal static Option<int?> Whole(string name, string help, int least, int most = int.MaxValue) => new(name)
    {
        Description = help,
        HelpName = "N",
        CustomParser = result => Convert<int?>(
            result,
            text =>
                int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) && value >= least
                    && value <= most ? value : null,
            most == int.MaxValue ? string.Create(CultureInfo.InvariantCulture, $"a whole number, {least} or more") : string.Create(
                CultureInfo.InvariantCulture, $"a whole number from {least} to {most}")),
    };

    /// <summary>A seed: any whole number of 64 bits.</summary>
    internal static Option<ulong?> Seed(string name, string help) => new(name)
    {
        Description = help,
        HelpName = "N",
        CustomParser = result => Convert<ulong?>(
            result,
            text => ulong.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out ulong value) ? value : null,
            "a whole number, 0 or more"),
    };

    /// <summary>A number that keeps a rule.</summary>
    internal static Option<double?> Number(string name, string help, string rule, Func<double, bool> holds) => new(name)
    {
        Description = help,
        HelpName = "X",
        CustomParser = result => Convert<double?>(
            result,
            text =>
                double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
                    && holds(value) ? value : null,
            $"a number {rule}"),
    };

    /// <summary>A probability that a block's head must reach to answer.</summary>
    internal static Option<double?> ExitConfidence(string effect) =>
        Number(
            "--exit-confidence",
            $"Probability that the head of a block must reach to answer in place of the blocks after it{effect}",
            "above 0 and at most 1",
            value => value is > 0 and <= 1);

    /// <summary>One of a few names, in any case.</summary>
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

    /// <summary>One of a few names that stands by itself, in any case.</summary>
    internal static Argument<string> NameArgument(string name, IReadOnlyList<string> names)
    {
        Argument<string> argument = new(name)
        {
            Description = List(names),
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

    /// <summary>One of a few names that may stand by itself, in any case; null where it does not.</summary>
    internal static Argument<string?> OptionalName(string name, IReadOnlyList<string> names)
    {
        Argument<string?> argument = new(name)
        {
            Description = List(names),
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

    /// <summary>Several of a few names, in any case, separated by commas.</summary>
    /// <remarks>An option that is not given has the value of an empty list.</remarks>
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
                    result.AddError($"{name} holds {twice} twice; name it once.");
                    return null;
                }

                return known!;
            },
        };

        // The last name of the list, after those that are typed.
        option.CompletionSources.Add(
            context => names.Select(
                last => new CompletionItem(context.WordToComplete[..(context.WordToComplete.LastIndexOf(',') + 1)] + last)));
        return option;
    }

    /// <summary>Whole numbers from 1, separated by commas.</summary>
    /// <remarks>An option that is not given has the value of an empty list.</remarks>
    internal static Option<int[]> Factors(string name, string help) => new(name)
    {
        Description = help,
        Arity = ArgumentArity.ExactlyOne,
        HelpName = "LIST",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            int?[] factors =
            [
                .. text.Split(',')
                .Select(
                    part => int.TryParse(
                        part, NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) && value >= 1 ? value : (int?)null),
            ];
            if (factors.Contains(null))
            {
                result.AddError(
                    $"{name} must be whole numbers, 1 or more, separated by commas, one for each block; got {ParseFaults.Quote(text)}.");
                return null;
            }

            return [.. factors.Select(factor => factor!.Value)];
        },
    };

    /// <summary>A path.</summary>
    internal static Option<string?> Folder(string name, string help) => PathOption(name, help, "DIR", "a folder");

    /// <summary>The path of a file.</summary>
    internal static Option<string?> File(string name, string help) => PathOption(name, help, "FILE", "a file");

    /// <summary>A path that stands by itself.</summary>
    internal static Argument<string> Path(string name, string help) => new(name)
    {
        Description = help,
        CustomParser = result => ReadPath(name, result.Tokens[0].Value, result),
    };

    /// <summary>One path or more.</summary>
    internal static Argument<string[]> Paths(string name, string help) => new(name)
    {
        Description = help,
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result => [.. result.Tokens.Select(token => ReadPath(name, token.Value, result)!)],
    };

    /// <summary>The names as a sentence shows them.</summary>
    internal static string List(IReadOnlyList<string> names) =>
        names.Count == 1 ? names[0] : $"{string.Join(", ", names.SkipLast(1))} or {names[^1]}";

    /// <summary>The name that a word stands for, whatever its case; null where there is none.</summary>
    internal static string? Known(string text, IReadOnlyList<string> names) =>
        names.FirstOrDefault(known => known.Equals(text, StringComparison.OrdinalIgnoreCase));

    /// <summary>Says that a word is none of the names.</summary>
    internal static string Unknown(string option, string text, IReadOnlyList<string> names) =>
        $"{option} knows no {ParseFaults.Quote(text)}{NearestName.Suggest(text, names)} It takes {List(names)}.";

    private static Option<string?> PathOption(string name, string help, string helpName, string what) => new(name)
    {
        Description = help,
        HelpName = helpName,
        CustomParser = result =>
            Convert(result, text => IsPath(text) && !ParseFaults.TookAnOption(result) ? Expand(text) : null, $"the path of {what}"),
    };

    private static string? ReadPath(string name, string text, ArgumentResult result)
    {
        if (IsPath(text))
        {
            return Expand(text);
        }

        result.AddError($"{name} must be a path; got {ParseFaults.Quote(text)}.");
        return null;
    }

    // A shell does this to words that begin with ~, but nothing does it in a file of options or after an equals sign.
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
