using System.CommandLine;

namespace Onward.Cli;

/// <summary><c>onward doctor</c>: checks the machine and suggests fixes.</summary>
internal sealed class DoctorCommand
{
    private readonly Option<string?> _out = ValueOption.Folder("--out", "Folder for runs, whose free space is checked. Default: runs");
    private readonly Option<int?> _threads = RuleChoice.ThreadsOption();
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private DoctorCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        DoctorCommand doctor = new(host);
        Command command = new("doctor", "Check the processor, memory, data sets and disk, and suggest fixes.")
        {
            doctor._out, doctor._threads, doctor._json,
        };
        command.SetAction(doctor.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        int threads = RuleChoice.Threads(parse, _threads);
        List<Finding> findings =
        [
            .. MachineChecks.All(threads, _host.Clock),
            .. PlaceChecks.All(_host, _host.Resolve(parse.GetValue(_out) ?? "runs")),
        ];
        if (parse.GetValue(_json))
        {
            _host.WriteJson(findings);
            return ExitCode.Done;
        }

        TextTable table = new(0, 1, 2);
        foreach (Finding finding in findings)
        {
            table.Add(finding.Verdict, finding.What, finding.Cure.Length == 0 ? finding.Found : $"{finding.Found}. {finding.Cure}");
        }

        table.Write(_host.Out, _host.OutWidth());
        int doubtful = findings.Count(finding => finding.Verdict != Finding.Good);
        _host.Out.WriteLine(doubtful == 0 ? "No problems found." : $"{doubtful} of {findings.Count} checks suggest a fix.");
        return ExitCode.Done;
    }
}

/// <summary>The result of one check.</summary>
/// <param name="What">The name of the check.</param>
/// <param name="Found">A description of what was found.</param>
/// <param name="Verdict"><see cref="Good"/>, <see cref="Slow"/>, or <see cref="Bad"/>.</param>
/// <param name="Cure">The suggested fix; empty if the verdict is good.</param>
internal sealed record Finding(string What, string Found, string Verdict, string Cure)
{
    internal const string Good = "good";

    /// <summary>Training works, but could work better.</summary>
    internal const string Slow = "fair";

    /// <summary>Something does not work.</summary>
    internal const string Bad = "bad";

    /// <summary>Creates the result of a check that is either good or not.</summary>
    internal static Finding Of(string what, string found, bool good, string cure, string otherwise = Slow) =>
        new(what, found, good ? Good : otherwise, good ? "" : cure);
}
