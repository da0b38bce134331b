using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Onward.Cli;

/// <summary>
/// <c>onward completion</c>: the script by which a shell completes what is typed after <c>onward</c>. Scripts know nothing of
/// options: they hand the line on to <c>onward [suggest]</c>, and offer files where it has nothing to say.
/// </summary>
internal static class CompletionCommand
{
    private static readonly IReadOnlyList<string> Shells = ["bash", "zsh", "fish", "powershell"];

    /// <summary>Makes the command.</summary>
    internal static Command Create(Host host)
    {
        Argument<string> shell = ValueOption.NameArgument("SHELL", Shells);
        Command command = new("completion", "Print the script that completes commands, options and names in a shell.") { shell };
        command.SetAction(parse =>
        {
            using StreamReader script = new(
                typeof(CompletionCommand).Assembly.GetManifestResourceStream($"onward.{parse.GetValue(shell)}")!);
            host.Out.Write(script.ReadToEnd());
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>What may stand where a line ends: names that begin as its last word does.</summary>
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
                // Nobody gives a flag a value.
                names = Names(before[..(before.TrimEnd().LastIndexOf(' ') + 1)]);
            }

            names =
            [
                .. names.Where(
                    name => name.StartsWith(word, StringComparison.OrdinalIgnoreCase) && (
                        name.StartsWith("--", StringComparison.Ordinal) || char.IsLetterOrDigit(name[0])))
                .Distinct(),
            ];

            // Options where one is begun, or where nothing else may stand.
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
