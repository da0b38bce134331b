using System.CommandLine;

namespace Onward.Cli;

/// <summary>The run that a command reads: its folder stands by itself or after <c>--run</c>, as the user likes.</summary>
internal sealed class RunChoice
{
    private readonly Argument<string> _folder = ValueOption.Path("RUN", "run folder, as 'onward train' printed it");
    private readonly Option<string?> _option = ValueOption.Folder("--run", "Run folder; the same as RUN by itself");
    private readonly Argument<string[]>? _others;

    /// <summary>Makes the argument and the option.</summary>
    /// <param name="others">The words that follow RUN; null if there are none.</param>
    internal RunChoice(Argument<string[]>? others = null)
    {
        _folder.Arity = ArgumentArity.ZeroOrOne;
        _others = others;
        if (others is not null)
        {
            others.Arity = ArgumentArity.ZeroOrMore;
        }
    }

    /// <summary>Adds both to a command, in front of its options.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_folder);
        if (_others is not null)
        {
            command.Add(_others);
        }

        command.Add(_option);
    }

    /// <summary>The run's folder, and the words that follow it.</summary>
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
            throw ParseFaults.Missing(parse, _folder, ", by itself or after --run");
        }

        (string run, string[] others) = named is null ? (words[0], words[1..]) : (named, words);
        return others.Length == 0 && _others is not null ? throw ParseFaults.Missing(parse, _others)
            : others.Length > 0
            && _others is null ? throw new CommandFault($"{ParseFaults.Quote(others[0])} is one run and --run {named} another. Name one.")
            : (run, others);
    }
}
