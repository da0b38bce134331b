using System.CommandLine;
using Onward.Threads;

namespace Onward.Cli;

/// <summary><c>onward report</c>: writes a page about one or more runs.</summary>
internal sealed class ReportCommand
{
    private const string PageName = "report.html";

    private readonly Argument<string[]> _runs = ValueOption.Paths(
        "RUN", "run folders, as printed by 'onward train'; a run may still be training");
    private readonly Option<string[]> _named = new("--run")
    {
        Description = "Run folder, instead of the argument RUN",
        HelpName = "DIR",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _out = ValueOption.File(
        "--out", $"HTML file to write. Default: {PageName} in the run folder or, for several runs, in the current folder");
    private readonly EpochChoice _epoch = new("Show the confusion matrix and images of the model");
    private readonly Option<int?> _threads = RuleChoice.ThreadsOption();
    private readonly Host _host;

    private ReportCommand(Host host)
    {
        _host = host;
        _runs.Arity = ArgumentArity.ZeroOrMore;
    }

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        ReportCommand report = new(host);
        Command command = new("report", "Write a page about runs: learning curves, errors, confusion matrices and misclassified images.")
        {
            report._runs, report._named, report._out, report._threads,
        };
        report._epoch.AddTo(command);
        command.SetAction(report.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        string[] named = [.. parse.GetValue(_runs) ?? [], .. parse.GetValue(_named) ?? []];
        if (named.Length == 0)
        {
            throw ParseFaults.Missing(parse, _runs, ", as arguments or with --run");
        }

        string[] folders = [.. named.Select(run => RunReport.FullPath(_host.Resolve(run)))];
        string path = parse.GetValue(_out) is string asked
            ? _host.Resolve(asked)
            : folders.Length == 1 ? Path.Combine(folders[0], PageName)
            : _host.Resolve(PageName);
        using WorkerTeam team = new(RuleChoice.Threads(parse, _threads));
        RunReport.Write(folders, path, _epoch.Read(parse), _host, team);
        _host.ShowNotices();
        _host.Out.WriteLine(path);
        return ExitCode.Done;
    }
}
