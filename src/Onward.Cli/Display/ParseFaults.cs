using System.CommandLine;
using System.CommandLine.Parsing;

namespace Onward.Cli;

/// <summary>Describes the faults of a command line, each in one line.</summary>
internal static class ParseFaults
{
    private const int Longest = 60;

    /// <summary>Describes the first fault. An unknown word comes first, because other faults may follow from it.</summary>
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
                $"{option.Option.Name} is given {option.IdentifierTokenCount} times. Give it once.",
            _ => error.Message,
        };
    }

    /// <summary>Creates the exception for a missing argument.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="argument">The argument.</param>
    /// <param name="hint">An addition to the description of the argument.</param>
    internal static CommandFault Missing(ParseResult parse, Argument argument, string hint = "") =>
        new(DescribeMissing(FullName(parse.CommandResult), argument, hint));

    /// <summary>True if an option without a value has taken the next option as its value.</summary>
    internal static bool TookAnOption(SymbolResult option) =>
        option.Tokens is [{ Value: string text }, ..] && text.StartsWith("--", StringComparison.Ordinal);

    /// <summary>Quotes a word of the command line, shortened for a message.</summary>
    internal static string Quote(string word) => word.Length <= Longest ? $"'{word}'" : $"'{word[..Longest]}...'";

    private static string DescribeMissing(string owner, Argument argument, string hint) =>
        $"'{owner}' needs {(argument.Name[0] is 'I' ? "an" : "a")} {argument.Name}: {argument.Description}{hint}. See '{owner} --help'.";

    // Such as "onward data list".
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

        string arguments = string.Join(", ", command.Arguments.Select(argument => $"one {argument.Name}"));
        return command.Arguments.Count > 0
            ? $"'{owner}' takes {arguments} and options; {Quote(word)} is neither."
            : $"'{owner}' takes only options; {Quote(word)} is not an option.";
    }
}
