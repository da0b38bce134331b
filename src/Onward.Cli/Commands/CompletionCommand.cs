using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Onward.Cli;

/// <summary>
/// <c>onward completion</c>: prints a script that completes the arguments of <c>onward</c> in a shell. The scripts pass the command line to
/// <c>onward [suggest]</c>, and complete file names if it suggests nothing.
/// </summary>
internal static class CompletionCommand
{
    private static readonly IReadOnlyList<string> Shells = ["bash", "zsh", "fish", "powershell"];

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        Argument<string> shell = ValueOption.NameArgument("SHELL", Shells);
        Command command = new("completion", "Print a script for Tab completion in a shell.") { shell };
        command.SetAction(parse =>
        {
            using StreamReader script = new(
                typeof(CompletionCommand).Assembly.GetManifestResourceStream($"onward.{parse.GetValue(shell)}")!);
            host.Out.Write(script.ReadToEnd());
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Prints the names that can complete the last word of a command line.</summary>
    internal sealed class SuggestAction : SynchronousCommandLineAction
    {
        /// <inheritdoc/>
        public override int Invoke(ParseResult parseResult)
        {
            string line = parseResult.Tokens.LastOrDefault(token => token.Type != TokenType.Directive)?.Value.TrimStart() ?? "";
            string word = line[(line.LastIndexOf(' ') + 1)..], before = line[..^word.Length];
            string[] names = [.. Names(line), .. Names(before)];
            if (names.Contains(bool.TrueString))
            {
                // Flags are written without a value.
                names = Names(before[..(before.TrimEnd().LastIndexOf(' ') + 1)]);
            }

            names =
            [
                .. names
                    .Where(name => name.StartsWith(word, StringComparison.OrdinalIgnoreCase))
                    .Where(name => name.StartsWith("--", StringComparison.Ordinal) || char.IsLetterOrDigit(name[0]))
                    .Distinct(),
            ];

            // Options are suggested if the word starts with a dash, or if nothing else fits.
            bool options = word.StartsWith('-') || names.All(name => name[0] == '-');
            foreach (string name in names.Where(name => options || name[0] != '-'))
            {
                parseResult.InvocationConfiguration.Output.WriteLine(name);
            }

            return ExitCode.Done;

            string[] Names(string text) =>
                [
                    .. parseResult.RootCommandResult.Command.Parse(text, ValueOption.Parsing)
                        .GetCompletions(text.Length)
                        .Select(item => item.InsertText ?? item.Label),
                ];
        }
    }
}
