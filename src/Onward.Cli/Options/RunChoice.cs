using System.CommandLine;

namespace Onward.Cli;

/// <summary>The run that a command reads: a folder that is given as an argument or with <c>--run</c>.</summary>
internal sealed class RunChoice
{
    private readonly Argument<string> _folder = ValueOption.Path("RUN", "run folder, as printed by 'onward train'");
    private readonly Option<string?> _option = ValueOption.Folder("--run", "Run folder, instead of the argument RUN");
    private readonly Argument<string[]>? _others;

    /// <summary>Creates the argument and the option.</summary>
    /// <param name="others">The argument that follows RUN, or null if there is none.</param>
    internal RunChoice(Argument<string[]>? others = null)
    {
        _folder.Arity = ArgumentArity.ZeroOrOne;
        _others = others;
        if (others is not null)
        {
            others.Arity = ArgumentArity.ZeroOrMore;
        }
    }

    /// <summary>Adds the argument and the option to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_folder);
        if (_others is not null)
        {
            command.Add(_others);
        }

        command.Add(_option);
    }

    /// <summary>Returns the run folder and the values of the argument that follows it.</summary>
    internal (string Run, string[] Others) Read(ParseResult parse)
    {
        string[] words =
        [
            .. parse.GetValue(_folder) is string first ? [first] : Array.Empty<string>(),
            .. (_others is null ? null : parse.GetValue(_others)) ?? [],
        ];
        string? named = parse.GetValue(_option);
        if (named is null && words.Length == 0)
        {
            throw ParseFaults.Missing(parse, _folder, ", as an argument or with --run");
        }

        (string run, string[] others) = named is null ? (words[0], words[1..]) : (named, words);
        if (_others is not null)
        {
            return others.Length > 0 ? (run, others) : throw ParseFaults.Missing(parse, _others);
        }

        return others.Length == 0
            ? (run, others)
            : throw new CommandFault($"{ParseFaults.Quote(others[0])} and --run {named} both name a run. Name one.");
    }
}
