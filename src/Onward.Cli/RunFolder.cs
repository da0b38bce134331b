using System.Globalization;
using System.Text;
using System.Text.Json;
using Onward.Formats;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli;

/// <summary>
/// The folder of one run: <c>config.json</c>, <c>metrics.csv</c>, <c>model.safetensors</c>, <c>checkpoints</c> and, once it has ended,
/// <c>result.json</c>. One process at a time has it, by a lock that the system takes back whenever that process ends.
/// </summary>
internal sealed class RunFolder : IDisposable
{
    /// <summary>The file of the run's options.</summary>
    internal const string ConfigurationName = "config.json";

    /// <summary>The file of what it came to.</summary>
    internal const string ResultName = "result.json";

    private const string ModelName = "model.safetensors";
    private const string CheckpointsName = "checkpoints";

    // A configuration with the names of a million classes.
    private const long MostJsonBytes = 64_000_000;

    private readonly FileStream _lock;
    private readonly CheckpointFolder? _checkpoints;
    private MetricsFile? _metrics;
    private EventFile? _events;

    private RunFolder(string path, FileStream mine, int keep)
    {
        (Path, _lock) = (path, mine);
        _checkpoints = keep > 0 ? new CheckpointFolder(System.IO.Path.Combine(path, CheckpointsName), keep) : null;
    }

    /// <summary>The folder.</summary>
    internal string Path { get; }

    /// <summary>The model after the last epoch that was kept.</summary>
    internal string ModelPath => ModelPathIn(Path);

    /// <summary>Whether the run can be gone on with once it was stopped.</summary>
    internal bool HasCheckpoints => _checkpoints is not null;

    /// <summary>The last epoch whose model was kept; 0 before the first.</summary>
    internal int LastEpoch { get; private set; }

    /// <summary>Where the model of a run lies.</summary>
    internal static string ModelPathIn(string folder) => System.IO.Path.Combine(folder, ModelName);

    /// <summary>Whether a run kept checkpoints.</summary>
    internal static bool HasCheckpointsIn(string folder) => Directory.Exists(System.IO.Path.Combine(folder, CheckpointsName));

    /// <summary>The checkpoints of a run, to be read.</summary>
    internal static CheckpointFolder CheckpointsIn(string folder) => new(System.IO.Path.Combine(folder, CheckpointsName), keep: 1);

    /// <summary>Refuses a path that holds something already.</summary>
    internal static void RequireFree(string path)
    {
        RequireNoFile(path);
        try
        {
            if (HoldsStoppedRun(path))
            {
                throw new CommandFault($"--out {path} holds a run that has not ended. Go on with it by '{ResumeCommand(path)}', or name another folder.");
            }

            if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any(entry => System.IO.Path.GetFileName(entry) != RunLock.Name))
            {
                throw new CommandFault($"--out {path} is not empty. Name a folder that is empty or does not exist.");
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, fault);
        }
    }

    /// <summary>Refuses a path that leads through a file or to one.</summary>
    internal static void RequireNoFile(string path)
    {
        for (string? part = System.IO.Path.GetFullPath(path); part is not null; part = System.IO.Path.GetDirectoryName(part))
        {
            if (File.Exists(part))
            {
                throw new CommandFault($"--out {path} cannot be a folder, because {part} is a file. Name a folder that is empty or does not exist.");
            }
        }
    }

    /// <summary>Makes a folder with the configuration in it, or leaves nothing behind.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="configuration">The run's options.</param>
    /// <param name="blocks">Blocks of its model.</param>
    /// <param name="keep">How many of the last checkpoints are kept; 0 for a run without any.</param>
    internal static RunFolder Create(string path, RunConfiguration configuration, int blocks, int keep = 0) =>
        TryCreate(path, configuration, blocks, keep) ?? throw new CommandFault($"--out {path} was taken by another run just now. Name another.");

    /// <summary>The same in the first of path, path-2, path-3 ... that nothing has taken.</summary>
    internal static RunFolder CreateNext(string path, RunConfiguration configuration, int blocks, int keep)
    {
        for (int i = 1; ; i++)
        {
            string next = i == 1 ? path : string.Create(CultureInfo.InvariantCulture, $"{path}-{i}");
            if (!Directory.Exists(next) && !File.Exists(next) && TryCreate(next, configuration, blocks, keep) is RunFolder folder)
            {
                return folder;
            }
        }
    }

    /// <summary>Takes the folder of a run that was begun before; nothing in it changes yet.</summary>
    internal static RunFolder Reopen(string path, int keep)
    {
        try
        {
            return new RunFolder(path, RunLock.TryTake(path) ?? throw new CommandFault($"{path}: another process is at work on this run. Wait until it ends, or stop it."), keep);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault($"the run folder {path} cannot be written: {fault.Message}", fault);
        }
    }

    /// <summary>Refuses a folder with the checkpoints of a run that has not ended: to begin another there would lose it.</summary>
    internal static void RequireNoCheckpoints(string path)
    {
        if (HasCheckpointsIn(path))
        {
            throw new CommandFault($"{path} holds a run of 'onward train' that has not ended. Go on with it by '{ResumeCommand(path)}', or name another folder with --out.");
        }
    }

    /// <summary>Whether a folder holds a run that was stopped before its end, and that no process is at work on.</summary>
    internal static bool HoldsStoppedRun(string path)
    {
        if (!File.Exists(System.IO.Path.Combine(path, ConfigurationName)) || File.Exists(System.IO.Path.Combine(path, ResultName)) || !HasCheckpointsIn(path))
        {
            return false;
        }

        try
        {
            using FileStream? free = RunLock.TryTake(path);
            return free is not null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Removes what a run that did not end left in a folder.</summary>
    internal static void Clear(string folder)
    {
        try
        {
            DurableFile.DeletePartial(folder);
            foreach (string name in new[] { ModelName, MetricsFile.Name, ConfigurationName })
            {
                File.Delete(System.IO.Path.Combine(folder, name));
            }
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing to remove.
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(folder, fault);
        }
    }

    /// <summary>Refuses a path that names a file, such as one in a run's folder.</summary>
    internal static void RequireFolder(string path)
    {
        if (File.Exists(path))
        {
            throw new CommandFault($"{path} is a file. Name the folder of a run, as 'onward train' printed it.");
        }
    }

    /// <summary>Reads the configuration of a run.</summary>
    internal static RunConfiguration ReadConfiguration(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new CommandFault($"{folder}: no such folder. Name the folder of a run, as 'onward train' printed it.");
        }

        return Read<RunConfiguration>(folder, ConfigurationName, run => run.HasKnownNames && run.IsInRange)
            ?? throw new CommandFault($"{folder}: no {ConfigurationName} in it. Name the folder of a run, as 'onward train' printed it.");
    }

    /// <summary>Reads what a run came to; null where it has not ended.</summary>
    internal static RunResult? TryReadResult(string folder) =>
        Read<RunResult>(folder, ResultName, result => result.IsInRange);

    /// <summary>Reads the newest intact checkpoint; null where the run was stopped before there was one.</summary>
    /// <param name="path">The run's folder.</param>
    /// <param name="damaged">Told of each newer one that is damaged.</param>
    internal static Checkpoint? ReadCheckpoint(string path, Action<string> damaged)
    {
        Checkpoint? checkpoint = CheckpointsIn(path).LoadNewest(damaged);
        if (checkpoint is null && File.Exists(System.IO.Path.Combine(path, MetricsFile.Name)) && MetricsFile.Read(path).Count is > 0 and int epochs)
        {
            throw new CommandFault($"{path}: no checkpoint to go on from, though {epochs} epoch{(epochs == 1 ? " has" : "s have")} ended. Train it anew, in another folder.");
        }

        return checkpoint;
    }

    /// <summary>Begins to write: measurements are cut back to where a checkpoint stands, and what a killed process had under way goes.</summary>
    internal void Begin(int blocks, bool gradients, IReadOnlyList<EpochMetrics> ended)
    {
        try
        {
            DurableFile.DeletePartial(Path);
            DurableFile.DeletePartial(System.IO.Path.Combine(Path, CheckpointsName));
            _metrics = MetricsFile.Create(Path, blocks, gradients, ended);
            LastEpoch = ended.Count;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault("", fault);
        }
    }

    /// <summary>Begins to write a run that goes on, in this new folder, from an epoch of another.</summary>
    /// <param name="checkpoint">The end of that epoch.</param>
    /// <param name="best">The end of the epoch of the lowest error until then; null where it is not kept.</param>
    /// <param name="gradients">True if gradients are compared with exact ones.</param>
    internal void BeginFrom(Checkpoint checkpoint, Checkpoint? best, bool gradients)
    {
        if (best is not null)
        {
            Keep(best);
        }

        Keep(checkpoint);
        try
        {
            ModelFile.Save(checkpoint.EvaluatedModel(), ModelPath);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault(" the model", fault);
        }

        Begin(checkpoint.Model.Blocks.Count, gradients, checkpoint.Epochs);
    }

    /// <summary>Keeps what the run came to, whole or not at all.</summary>
    internal void Finish(RunResult result)
    {
        try
        {
            Write(System.IO.Path.Combine(Path, ResultName), result);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault(" the result", fault);
        }
    }

    /// <summary>Keeps the model and the measurements of an epoch.</summary>
    internal void Keep(LocalMixer model, EpochMetrics epoch)
    {
        try
        {
            ModelFile.Save(model, ModelPath);
            LastEpoch = epoch.Epoch;
            _metrics!.Add(epoch);
            _events?.Write(epoch.Epoch, TensorBoard.Describe(model, epoch));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault($" epoch {epoch.Epoch}", fault);
        }
    }

    /// <summary>Begins a file of events for TensorBoard.</summary>
    /// <param name="views">What training sees first; shown where the run is at its beginning.</param>
    /// <param name="clock">Tells the time of events.</param>
    internal void BeginEvents(Func<EventSummary> views, TimeProvider clock)
    {
        try
        {
            _events = new EventFile(Path, LastEpoch == 0 ? 0 : LastEpoch + 1, clock);
            if (LastEpoch == 0)
            {
                _events.Write(0, views());
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault(" the events", fault);
        }
    }

    /// <summary>Keeps a checkpoint.</summary>
    internal void Keep(Checkpoint checkpoint)
    {
        try
        {
            _checkpoints!.Save(checkpoint);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault(" a checkpoint", fault);
        }
    }

    /// <summary>Closes the measurements and gives the folder back.</summary>
    public void Dispose()
    {
        _metrics?.Dispose();
        _events?.Dispose();
        _lock.Dispose();
    }

    // Of two runs that start at once, the one that takes the lock has the folder; the other gets null.
    private static RunFolder? TryCreate(string path, RunConfiguration configuration, int blocks, int keep)
    {
        List<string> folders = [];
        List<string> files = [];
        RunFolder? folder = null;
        try
        {
            folders = Missing(path);
            Directory.CreateDirectory(path);
            string mine = System.IO.Path.Combine(path, RunLock.Name), config = System.IO.Path.Combine(path, ConfigurationName);
            if (RunLock.TryTake(path) is not FileStream taken)
            {
                return null;
            }

            folder = new RunFolder(path, taken, keep);
            if (File.Exists(config))
            {
                folder.Dispose();
                return null;
            }

            files.AddRange([mine, config, System.IO.Path.Combine(path, MetricsFile.Name)]);
            Write(config, configuration);
            folder._metrics = MetricsFile.Create(path, blocks, configuration.MeasureGradients > 0, []);
            return folder;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            folder?.Dispose();
            Remove(files, folders);
            throw Unwritable(path, fault);
        }
    }

    private static void Write<T>(string path, T value) =>
        DurableFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(value, RunConfiguration.Json) + "\n")));

    /// <summary>The command that goes on with a run.</summary>
    internal static string ResumeCommand(string path) => $"onward train --resume {path}";

    // Nothing is lost: what could not be written is not there, and all that was is.
    private CommandFault Fault(string what, Exception fault)
    {
        string reason = IsFullDisk(fault) ? "the disk is full." : fault.Message;
        string cure = HasCheckpoints ? $" {(IsFullDisk(fault) ? "Make room, then go" : "Go")} on with '{ResumeCommand(Path)}'." : "";
        return new CommandFault($"cannot write{what} to the run folder {Path}: {reason}{cure}", fault);
    }

    // ENOSPC and EDQUOT of Linux, and what Windows has for them.
    private static bool IsFullDisk(Exception fault) => fault is IOException && fault.HResult is 28 or 122 or unchecked((int)0x80070070) or unchecked((int)0x80070027);

    /// <summary>Reads a text file of a run, if it is not larger than any that a run writes.</summary>
    internal static string ReadText(string path, long mostBytes)
    {
        using FileStream file = File.OpenRead(path);
        return file.Length <= mostBytes
            ? new StreamReader(file, Encoding.UTF8).ReadToEnd()
            : throw new CommandFault(string.Create(CultureInfo.InvariantCulture, $"{path}: damaged: it is larger than {mostBytes / 1_000_000} MB. Restore it, or train anew."));
    }

    // Null where there is no such file.
    private static T? Read<T>(string folder, string name, Func<T, bool> holds)
        where T : class
    {
        string path = System.IO.Path.Combine(folder, name);
        try
        {
            T? value = JsonSerializer.Deserialize<T>(ReadText(path, MostJsonBytes), RunConfiguration.Json);
            return value is not null && holds(value) ? value : throw new JsonException();
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException fault)
        {
            string line = fault.LineNumber is long number ? string.Create(CultureInfo.InvariantCulture, $" near line {number + 1}") : "";
            throw new CommandFault($"{path}: damaged{line}, or of another version than {Cli.Version}. Restore it, or train anew.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault($"{path}: cannot be read: {fault.Message}", fault);
        }
    }

    // The folders that making a path would make, innermost first.
    private static List<string> Missing(string path)
    {
        List<string> missing = [];
        for (string? folder = System.IO.Path.GetFullPath(path); folder is not null && !Directory.Exists(folder); folder = System.IO.Path.GetDirectoryName(folder))
        {
            missing.Add(folder);
        }

        return missing;
    }

    // What cannot be removed stays, as does a folder that others use by now; the fault under way matters more.
    private static void Remove(List<string> files, List<string> folders)
    {
        try
        {
            files.ForEach(File.Delete);
            folders.Where(Directory.Exists).ToList().ForEach(Directory.Delete);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>Says that a folder cannot be written.</summary>
    internal static CommandFault Unwritable(string path, Exception fault) =>
        new($"the run folder {path} cannot be written: {fault.Message} Name another with --out.", fault);
}
