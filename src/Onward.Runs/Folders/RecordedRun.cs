using System.Text.Json.Serialization;
using Onward.Training;

namespace Onward.Runs;

/// <summary>The state of a run.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunStage>))]
internal enum RunStage
{
    /// <summary>It went through.</summary>
    [JsonStringEnumMemberName("finished")]
    Finished,

    /// <summary>Its loss stopped being a number.</summary>
    [JsonStringEnumMemberName("diverged")]
    Diverged,

    /// <summary>A process is at work on it.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>It was stopped and can be gone on with.</summary>
    [JsonStringEnumMemberName("resumable")]
    Resumable,

    /// <summary>It was stopped and kept no checkpoint.</summary>
    [JsonStringEnumMemberName("stopped")]
    Stopped,

    /// <summary>Its folder cannot be read.</summary>
    [JsonStringEnumMemberName("damaged")]
    Damaged,
}

/// <summary>A run as its folder holds it, whether it has ended or not.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Configuration">Its options.</param>
/// <param name="Epochs">The measurements of its epochs so far.</param>
/// <param name="Result">Its result; null where it has not ended.</param>
/// <param name="Stage">Its state.</param>
/// <param name="Written">The time when an epoch or its result was last written.</param>
internal sealed record RecordedRun(
    string Folder,
    RunConfiguration Configuration,
    IReadOnlyList<EpochMetrics> Epochs,
    RunResult? Result,
    RunStage Stage,
    DateTimeOffset Written)
{
    // Each tells a folder of a run, as long as it is not the lock alone.
    private static readonly string[] Signs = [RunFolder.ConfigurationName, MetricsFile.Name];

    /// <summary>Epochs that have ended.</summary>
    internal int EpochsDone => Epochs.Count;

    /// <summary>The error after the last epoch, on the images that errors of the run are reported on; null before the first.</summary>
    internal double? TestError => Stage == RunStage.Diverged ? null : Result?.TestError ?? (Epochs.Count > 0 ? Epochs[^1].TestError : null);

    /// <summary>
    /// The error on training images: of the whole set if the run has ended, else as they were met in the last epoch. A contrastive run
    /// measures no error of classes while it trains.
    /// </summary>
    internal double? TrainError => Stage == RunStage.Diverged ? null
        : Result?.TrainError ?? (Epochs.Count > 0 && Configuration.Projection == 0 ? Epochs[^1].TrainError : null);

    /// <summary>The advice that the run was given, a sentence each.</summary>
    internal IReadOnlyList<string> Advice => Result?.Advice ?? [.. Epochs.SelectMany(epoch => epoch.Advice)];

    /// <summary>The images that errors are reported on.</summary>
    internal string HeldOut => Configuration.HeldOut;

    /// <summary>Reads a folder.</summary>
    /// <exception cref="RunException">It is no folder of a run, or damaged.</exception>
    internal static RecordedRun Read(string folder)
    {
        RunFolder.RequireFolder(folder);

        // The lock first: a run that ends meanwhile has its result by then.
        bool isRunning = RunLock.IsTaken(folder);
        RunConfiguration configuration = RunFolder.ReadConfiguration(folder);
        RunResult? result = RunFolder.TryReadResult(folder);
        RunStage stage = result is not null ? (result.Divergence is null ? RunStage.Finished : RunStage.Diverged)
            : isRunning ? RunStage.Running
            : RunFolder.HasCheckpointsIn(folder) ? RunStage.Resumable : RunStage.Stopped;

        // A run that was killed at its very beginning has no measurements yet.
        bool isNew = result is null && !File.Exists(Path.Combine(folder, MetricsFile.Name));
        IReadOnlyList<EpochMetrics> epochs = isNew ? [] : MetricsFile.Read(folder);
        if (!PaperRules.Get(configuration.Rule).TrainsHeads)
        {
            epochs = [.. epochs.Select(epoch => epoch with { BlockLosses = [] })]; // version 0.1 kept losses of heads that nothing trains
        }

        RequireFit(folder, configuration, epochs, result);
        return new RecordedRun(folder, configuration, epochs, result, stage, LastWrite(folder));
    }

    // Each file may be as a run writes it, but they must be of the same run.
    private static void RequireFit(string folder, RunConfiguration run, IReadOnlyList<EpochMetrics> epochs, RunResult? result)
    {
        int blocks = run.Network.Blocks;
        int losses = PaperRules.Get(run.Rule).TrainsHeads ? blocks : 0;
        (string? name, string what) = epochs.Count > run.Epochs ? (MetricsFile.Name, $"{epochs.Count} epochs of a run of {run.Epochs}")
            : epochs.Any(epoch => epoch.BlockLosses.Count != losses)
            ? (MetricsFile.Name, $"losses of {epochs[0].BlockLosses.Count} blocks of a network of {blocks}")
            : result?.Epochs > run.Epochs ? (RunFolder.ResultName, $"{result.Epochs} epochs of a run of {run.Epochs}")
            : result?.BlockTestErrors.Count is > 0 and int errors && errors != blocks
            ? (RunFolder.ResultName, $"errors of {errors} blocks of a network of {blocks}")
            : (null, "");
        if (name is not null)
        {
            throw new RunException($"{Path.Combine(folder, name)}: damaged: it has {what}. Restore it, or train again.");
        }
    }

    /// <summary>
    /// The folders of runs at or below a folder, in the order of their names. Folders that may not be read are left out.
    /// </summary>
    internal static IEnumerable<string> FindFolders(string root)
    {
        EnumerationOptions options = new() { RecurseSubdirectories = true, IgnoreInaccessible = true };
        return Signs.SelectMany(sign => Directory.EnumerateFiles(root, sign, options))
            .Select(path => Path.GetDirectoryName(path)!)
            .Distinct()
            .Order(StringComparer.Ordinal);
    }

    /// <summary>The time when a file of the run was last written.</summary>
    internal static DateTimeOffset LastWrite(string folder) => Signs.Append(RunFolder.ResultName)
        .Select(name => Path.Combine(folder, name)).Where(File.Exists)
        .Select(path => new DateTimeOffset(File.GetLastWriteTimeUtc(path)))
        .DefaultIfEmpty().Max();
}
