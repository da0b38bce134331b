using System.CommandLine;
using System.Text;
using Onward.Data;
using Onward.Formats;
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
    private readonly Dictionary<DataSettings, TrainingData> _loaded = [];

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

        string[] folders = [.. named.Select(run => Path.TrimEndingDirectorySeparator(Path.GetFullPath(_host.Resolve(run))))];
        if (folders.GroupBy(folder => folder).FirstOrDefault(group => group.Count() > 1) is { Key: string twice })
        {
            throw new CommandFault($"{twice} is named twice. Name each run once.");
        }

        string path = parse.GetValue(_out) is string asked
            ? _host.Resolve(asked)
            : folders.Length == 1 ? Path.Combine(folders[0], PageName)
            : _host.Resolve(PageName);
        RecordedRun[] runs = [.. folders.Select(RecordedRun.Read)];
        WantedEpoch? wanted = _epoch.Read(parse);
        RequirePlace(path);

        using WorkerTeam team = new(RuleChoice.Threads(parse, _threads));
        List<ReportedRun> reported = [];
        foreach (RecordedRun run in runs)
        {
            (TestAnswers? answers, string missing) = Answer(run, wanted, team);
            string name = NameOf(run.Folder, folders);
            if (answers is null)
            {
                _host.Error.WriteLine($"onward: {name}: no confusion matrix and no images: {missing}");
            }

            reported.Add(new ReportedRun(name, run, answers, missing));
        }

        _host.ShowNotices();
        byte[] page = Encoding.UTF8.GetBytes(ReportPage.Of(reported, _host.Clock.GetLocalNow()));
        try
        {
            DurableFile.Write(path, file => file.Write(page));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, fault.Message, fault);
        }

        _host.Out.WriteLine(path);
        return ExitCode.Done;
    }

    // A report is made of what there is: it says what is missing, and downloads nothing.
    private (TestAnswers? Answers, string Missing) Answer(RecordedRun run, WantedEpoch? wanted, WorkerTeam team)
    {
        // An epoch that was asked for is shown, or nothing is written.
        TrainedModel? asked = wanted is null || run.EpochsDone == 0 ? null : TrainedModel.Load(run.Folder, wanted);
        try
        {
            return Find(run) is string missing
                ? (null, missing)
                : (TestAnswers.Of(asked ?? TrainedModel.Load(run.Folder), Load(run.Configuration), team, _host.Interruption), "");
        }
        catch (Exception fault) when (fault is CommandFault or DataException or DownloadUnavailableException or ModelFileException)
        {
            return (null, fault.Message);
        }
    }

    private string? Find(RecordedRun recorded)
    {
        RunConfiguration run = recorded.Configuration;
        if (!File.Exists(RunFolder.ModelPathIn(recorded.Folder)))
        {
            return "there is no model, because no epoch has ended.";
        }

        if (run.Data is string folder)
        {
            return Directory.Exists(folder) || File.Exists(folder) ? null : $"its data set is absent; it was in {folder}.";
        }

        return Datasets.Published(run.Dataset, _host) is PublishedSource source && source.Locate(null) is null
            ? $"the data set {run.Dataset} is not on this machine; 'onward data download {run.Dataset}' fetches it."
            : null;
    }

    private TrainingData Load(RunConfiguration run)
    {
        DataSettings asked = new(run.Dataset, run.Data, run.Validation) { ImageSize = run.ImageSize, Antialias = run.Antialias };
        if (!_loaded.TryGetValue(asked, out TrainingData? data))
        {
            data = asked.Load(_host);
            _loaded.Add(asked, data);
        }

        return run.Plan.Choose(data);
    }

    // The folder's own name, with as many of those above it as tell it from the others.
    private static string NameOf(string folder, string[] all)
    {
        string name = Path.GetFileName(folder);
        for (string? above = Path.GetDirectoryName(folder); all.Count(other => $"/{other.Replace('\\', '/')}".EndsWith($"/{name}", StringComparison.Ordinal)) > 1
            && above is not null; above = Path.GetDirectoryName(above))
        {
            name = $"{Path.GetFileName(above)}/{name}";
        }

        return name;
    }

    private static void RequirePlace(string path)
    {
        if (Directory.Exists(path))
        {
            throw Unwritable(path, "it is a folder.");
        }

        if (Path.GetDirectoryName(Path.GetFullPath(path)) is string folder && !Directory.Exists(folder))
        {
            throw Unwritable(path, $"there is no folder {folder}.");
        }
    }

    private static CommandFault Unwritable(string path, string reason, Exception? fault = null) =>
        new($"the report {path} cannot be written: {reason} Name a file in a folder that can be written to with --out.", fault);
}
