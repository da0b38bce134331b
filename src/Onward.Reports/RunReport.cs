using System.Text;
using Onward.Data;
using Onward.Formats;
using Onward.Threads;

namespace Onward.Reports;

/// <summary>
/// Reports on runs: pages of HTML with learning curves, errors, confusions and misclassified images. A report is made of what is on this
/// machine; it downloads nothing, and says what is missing.
/// </summary>
public sealed class RunReport
{
    private readonly RunHost _host;
    private readonly WorkerTeam _team;
    private readonly Dictionary<DataSettings, TrainingData> _loaded = [];

    private RunReport(RunHost host, WorkerTeam team) => (_host, _team) = (host, team);

    /// <summary>Writes a page about one run or several. Runs may be under way, interrupted or finished.</summary>
    /// <param name="runFolders">The folders of the runs, each once; at least one.</param>
    /// <param name="path">The HTML file, which is replaced if it is there.</param>
    /// <param name="epoch">The epoch whose model is shown; null for the last.</param>
    /// <param name="threads">Number of threads, which changes no result; null for one on each processor.</param>
    /// <param name="cancellation">Ends the evaluation of models; no page is written then.</param>
    /// <returns>Sentences on what the page lacks; empty if it is complete.</returns>
    /// <exception cref="RunException">A folder is not one of a run, or is damaged, or the file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The report was cancelled.</exception>
    public static IReadOnlyList<string> Write(
        IReadOnlyList<string> runFolders, string path, int? epoch = null, int? threads = null, CancellationToken cancellation = default)
    {
        RunHost host = new() { Interruption = cancellation };
        using WorkerTeam team = new(threads ?? Processors.Share);
        Write([.. runFolders.Select(FullPath)], path, epoch is null ? null : new WantedEpoch(epoch), host, team);
        return [.. host.Notices];
    }

    /// <summary>Writes a page about runs; adds what it lacks to the host's notices.</summary>
    /// <param name="folders">The folders of the runs, in full.</param>
    /// <param name="path">The HTML file.</param>
    /// <param name="wanted">The epoch whose model is shown; null for the last.</param>
    /// <param name="host">Takes notices.</param>
    /// <param name="team">The threads that share the work.</param>
    internal static void Write(IReadOnlyList<string> folders, string path, WantedEpoch? wanted, RunHost host, WorkerTeam team)
    {
        if (folders.Count == 0)
        {
            throw new RunException("a report is about at least one run. Name its folder.");
        }

        if (folders.GroupBy(folder => folder).FirstOrDefault(group => group.Count() > 1) is { Key: string twice })
        {
            throw new RunException($"{twice} is named twice. Name each run once.");
        }

        RecordedRun[] runs = [.. folders.Select(RecordedRun.Read)];
        RequirePlace(path);
        RunReport report = new(host, team);
        ReportedRun[] reported = [.. runs.Select(run => report.Describe(run, NameOf(run.Folder, folders), wanted))];
        byte[] page = Encoding.UTF8.GetBytes(ReportPage.Of(reported, host.Clock.GetLocalNow()));
        try
        {
            DurableFile.Write(path, file => file.Write(page));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, fault.Message, fault);
        }
    }

    /// <summary>The full path of a folder, without a separator at its end.</summary>
    internal static string FullPath(string folder) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));

    private ReportedRun Describe(RecordedRun run, string name, WantedEpoch? wanted)
    {
        // A text has no classes to confuse, and no images.
        (TestAnswers? answers, string missing) = run.Configuration.IsText ? (null, "") : Answer(run, wanted);
        if (answers is null && missing.Length > 0)
        {
            _host.Notices.Add($"{name}: no confusion matrix and no images: {missing}");
        }

        return new ReportedRun(name, run, answers, missing);
    }

    private (TestAnswers? Answers, string Missing) Answer(RecordedRun run, WantedEpoch? wanted)
    {
        // An epoch that was asked for is shown, or nothing is written.
        TrainedModel? asked = wanted is null || run.EpochsDone == 0 ? null : TrainedModel.Load(run.Folder, wanted);
        try
        {
            return FindLack(run) is string missing
                ? (null, missing)
                : (TestAnswers.Of(asked ?? TrainedModel.Load(run.Folder), Load(run.Configuration), _team, _host.Interruption), "");
        }
        catch (RunException fault)
        {
            return (null, fault.In(_host.Words));
        }
        catch (Exception fault) when (fault is DataException or DownloadUnavailableException or ModelFileException)
        {
            return (null, fault.Message);
        }
    }

    private string? FindLack(RecordedRun recorded)
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
            ? $"the data set {run.Dataset} is not on this machine{_host.Words.Download(run.Dataset)}."
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

    // The folder's own name, with as many of the folders above it as tell it from the others.
    private static string NameOf(string folder, IReadOnlyList<string> all)
    {
        string name = Path.GetFileName(folder);
        string? above = Path.GetDirectoryName(folder);
        while (above is not null && all.Count(other => EndsWith(other, name)) > 1)
        {
            name = $"{Path.GetFileName(above)}/{name}";
            above = Path.GetDirectoryName(above);
        }

        return name;

        static bool EndsWith(string path, string name) =>
            $"/{path.Replace('\\', '/')}".EndsWith($"/{name}", StringComparison.Ordinal);
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

    private static RunException Unwritable(string path, string reason, Exception? fault = null) => new(say =>
        $"the report {path} cannot be written: {reason} Name a file in a folder that can be written to{say.With("folder")}.", fault);
}
