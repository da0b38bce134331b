using System.CommandLine;
using System.CommandLine.Parsing;

namespace Onward.Cli;

/// <summary>Says in one line what is wrong with a command line.</summary>
internal static class ParseFaults
{
    private const int Longest = 60;

    /// <summary>Describes the first fault; a word that belongs nowhere comes before what follows from it.</summary>
    internal static string Describe(ParseResult parse)
    {
        Command command = parse.CommandResult.Command;
        string owner = FullName(parse.CommandResult);
        string help = $"{owner} --help";
        if (parse.CommandResult.Children.OfType<OptionResult>().FirstOrDefault(TookAnOption) is OptionResult hungry)
        {
            return $"{hungry.Option.Name} needs a value, but {Quote(hungry.Tokens[0].Value)} follows it. See '{help}'.";
        }

        if (parse.UnmatchedTokens is [string word, ..])
        {
            return $"{DescribeUnknown(word.Split('=')[0], command, owner)} See '{help}'.";
        }

        ParseError error = parse.Errors[0];
        return error.SymbolResult switch
        {
            CommandResult { Command.Subcommands.Count: > 0 } =>
                $"'{owner}' needs a command: {ValueOption.List([.. command.Subcommands.Select(sub => sub.Name)])}. See '{help}'.",
            ArgumentResult { Tokens.Count: 0, Argument: var argument } => DescribeMissing(owner, argument, ""),
            OptionResult { IdentifierToken: null } option => $"'{owner}' needs {option.Option.Name}. See '{help}'.",
            OptionResult { Tokens.Count: 0 } option => $"{option.Option.Name} needs a value. See '{help}'.",
            OptionResult { IdentifierTokenCount: > 1 } option =>
                $"{option.Option.Name} is given {option.IdentifierTokenCount} times; give it once.",
            _ => error.Message,
        };
    }

    /// <summary>Makes the fault of an argument that is missing.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="argument">The argument.</param>
    /// <param name="hint">More about it.</param>
    internal static CommandFault Missing(ParseResult parse, Argument argument, string hint = "") =>
        new(DescribeMissing(FullName(parse.CommandResult), argument, hint));

    /// <summary>Whether an option was given no value and took the next option for it.</summary>
    internal static bool TookAnOption(SymbolResult option) =>
        option.Tokens is [{ Value: string text }, ..] && text.StartsWith("--", StringComparison.Ordinal);

    /// <summary>A word of the user's, short enough for a message.</summary>
    internal static string Quote(string word) => word.Length <= Longest ? $"'{word}'" : $"'{word[..Longest]}...'";

    private static string DescribeMissing(string owner, Argument argument, string hint) =>
        $"'{owner}' needs {(argument.Name[0] is 'I' ? "an" : "a")} {argument.Name}: {argument.Description}{hint}. See '{owner} --help'.";

    // With the commands it belongs to.
    private static string FullName(CommandResult command) =>
        command.Parent is CommandResult parent ? $"{FullName(parent)} {command.Command.Name}" : "onward";

    private static string DescribeUnknown(string word, Command command, string owner)
    {
        if (word.StartsWith('-'))
        {
            IEnumerable<string> options = command.Options.SelectMany(option => option.Aliases.Prepend(option.Name))
                .Where(name => name.Length > 2)
                .Append("--help");
            return $"'{owner}' has no option {Quote(word)}{NearestName.Suggest(word, options)}";
        }

        if (command.Subcommands.Count > 0)
        {
            IEnumerable<string> names = command.Subcommands.Select(sub => sub.Name);
            return $"there is no command {Quote(word)}{NearestName.Suggest(word, names)}";
        }

        string taken = command.Arguments.Count > 0
            ? $"{string.Join(", ", command.Arguments.Select(argument => $"one {argument.Name}"))} and options"
            : "options only";
        return $"'{owner}' takes {taken}; {Quote(word)} belongs to none.";
    }
}
