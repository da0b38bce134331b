using Onward.Formats;
using Onward.Models;
using Onward.Training;

namespace Onward.Runs;

/// <summary>
/// The folder of one run: <c>config.json</c>, <c>metrics.csv</c>, <c>model.safetensors</c>, <c>checkpoints</c> and, once it has ended,
/// <c>result.json</c>. One process at a time has it, by a lock that the system takes back whenever that process ends. It writes to the
/// folder that it holds, also after somebody has renamed it.
/// </summary>
internal sealed partial class RunFolder : IDisposable
{
    /// <summary>The file of the run's options.</summary>
    internal const string ConfigurationName = "config.json";

    /// <summary>The file of the run's result.</summary>
    internal const string ResultName = "result.json";

    private const string ModelName = "model.safetensors";
    private const string CheckpointsName = "checkpoints";

    // A configuration with the names of a million classes.
    private const long MostJsonBytes = 64_000_000;

    private readonly RunLock _lock;
    private readonly string _named;
    private readonly string? _begun; // the full path of the folder when it was taken
    private readonly CheckpointFolder? _checkpoints;
    private MetricsFile? _metrics;
    private EventFile? _events;

    private RunFolder(string path, RunLock mine, int keep)
    {
        (_named, _lock, _begun) = (path, mine, mine.Folder?.Path);
        _checkpoints = keep > 0 ? new CheckpointFolder(In(CheckpointsName), keep) : null;
    }

    /// <summary>The folder, by the name that it was given or, if it was renamed since, by the name that it has now.</summary>
    internal string Path => _lock.Folder?.Path is string now && now != _begun ? now : _named;

    /// <summary>The name that the folder was given; null as long as it has that name.</summary>
    internal string? RenamedFrom => Path == _named ? null : _named;

    /// <summary>The model after the last epoch that was kept.</summary>
    internal string ModelPath => ModelPathIn(Path);

    /// <summary>True if the run can go on after it was stopped.</summary>
    internal bool HasCheckpoints => _checkpoints is not null;

    /// <summary>The last epoch whose model was kept; 0 before the first.</summary>
    internal int LastEpoch { get; private set; }

    /// <summary>Takes the folder of a run that was begun before; nothing in it changes yet.</summary>
    internal static RunFolder Reopen(string path, int keep)
    {
        try
        {
            RunLock.RequireNoLink(System.IO.Path.Combine(path, CheckpointsName));
            return RunLock.TryTake(path) is RunLock mine
                ? new RunFolder(path, mine, keep)
                : throw new RunException($"{path}: another process is at work on this run. Wait until it ends, or stop it.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"the run folder {path} cannot be written: {fault.Message}", fault);
        }
    }

    /// <summary>Begins to write. Cuts the measurements back to the checkpoint, and deletes unfinished files.</summary>
    internal void Begin(RunConfiguration run, int blocks, IReadOnlyList<EpochMetrics> ended)
    {
        try
        {
            DurableFile.DeletePartial(In(""));
            DurableFile.DeletePartial(In(CheckpointsName));
            _metrics = MetricsFile.Create(In(""), MetricsLayout.Of(run, blocks), ended);
            LastEpoch = ended.Count;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault("", fault);
        }
    }

    /// <summary>Keeps the options of a run that goes on to another number of epochs, and takes its result back.</summary>
    internal void Lengthen(RunConfiguration run)
    {
        try
        {
            DurableFile.Write(In(ConfigurationName), file => WriteJson(file, run));
            File.Delete(In(ResultName));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault(" the options", fault);
        }
    }

    /// <summary>Keeps the model that a run goes on from, in this new folder.</summary>
    internal void Keep(Network model)
    {
        try
        {
            ModelFile.Save(model, In(ModelName));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault(" the model", fault);
        }
    }

    /// <summary>Keeps the run's result, whole or not at all.</summary>
    internal void Finish(RunResult result)
    {
        try
        {
            DurableFile.Write(In(ResultName), file => WriteJson(file, result));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault(" the result", fault);
        }
    }

    /// <summary>Keeps the model and the measurements of an epoch.</summary>
    internal void Keep(Network model, EpochMetrics epoch)
    {
        try
        {
            ModelFile.Save(model, In(ModelName));
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
            _events = new EventFile(In(""), LastEpoch == 0 ? 0 : LastEpoch + 1, clock);
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

    // A place in the folder, wherever the folder is by now.
    private string In(string name) => System.IO.Path.Combine(_lock.Folder?.Reach ?? _named, name);

    // Nothing is lost: what could not be written is not there, and all that was is.
    private RunException Fault(string what, Exception fault)
    {
        string path = Path, begin = $"cannot write{what} to the run folder {path}: ";
        if (_begun is null ? !Directory.Exists(_named) : _lock.Folder!.Path is null)
        {
            return new RunException(say => $"{begin}it is no longer there. If it was moved, go on with {say.Resuming(null)}.", fault);
        }

        string reach = _lock.Folder?.Reach ?? _named, reason = DiskFault.Describe(fault).Replace(reach, path, StringComparison.Ordinal);
        string go = DiskFault.IsFull(fault) ? "Make room, then go" : "Go";
        return new RunException(say => $"{begin}{reason}{(HasCheckpoints ? $" {go} on with {say.Resuming(path)}." : "")}", fault);
    }
}
