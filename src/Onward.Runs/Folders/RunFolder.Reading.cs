using System.Globalization;
using System.Text.Json;
using Onward.Formats;
using Onward.Training;

namespace Onward.Runs;

/// <content>Reads the folder of a run.</content>
internal sealed partial class RunFolder
{
    /// <summary>The file of a run's model.</summary>
    internal static string ModelPathIn(string folder) => System.IO.Path.Combine(folder, ModelName);

    /// <summary>True if a run keeps checkpoints.</summary>
    internal static bool HasCheckpointsIn(string folder) => Directory.Exists(System.IO.Path.Combine(folder, CheckpointsName));

    /// <summary>The checkpoints of a run, to be read.</summary>
    internal static CheckpointFolder CheckpointsIn(string folder) => new(System.IO.Path.Combine(folder, CheckpointsName), keep: 1);

    /// <summary>Refuses a folder with the checkpoints of a run that has not ended: to begin another there would lose it.</summary>
    internal static void RequireNoCheckpoints(string path)
    {
        if (HasCheckpointsIn(path))
        {
            throw new RunException(say =>
                $"{path} holds a run with checkpoints that has not ended. "
                + $"Go on with it by {say.Resuming(path)}, or name another folder{say.With("folder")}.");
        }
    }

    /// <summary>True if a folder holds a run that was stopped before its end, and that no process is at work on.</summary>
    internal static bool HoldsStoppedRun(string path)
    {
        if (!File.Exists(System.IO.Path.Combine(path, ConfigurationName))
            || File.Exists(System.IO.Path.Combine(path, ResultName))
            || !HasCheckpointsIn(path))
        {
            return false;
        }

        try
        {
            using RunLock? free = RunLock.TryTake(path);
            return free is not null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Refuses a path that names a file, such as one in a run's folder.</summary>
    internal static void RequireFolder(string path)
    {
        if (File.Exists(path))
        {
            throw new RunException(say => $"{path} is a file. {say.NameRun}");
        }
    }

    /// <summary>Reads the configuration of a run.</summary>
    internal static RunConfiguration ReadConfiguration(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new RunException(say => $"{folder}: no such folder. {say.NameRun}");
        }

        static bool Holds(RunConfiguration run) => run.Retired is not null || (run.HasKnownNames && run.IsInRange);
        RunConfiguration run = Read<RunConfiguration>(folder, ConfigurationName, Holds)
            ?? throw new RunException(say => $"{folder}: no {ConfigurationName} in it. {say.NameRun} "
                    + "A run that was killed before it wrote this file starts by the same command as before.");
        return run.Retired is Func<HostWords, string> retired
            ? throw new RunException(say =>
                $"{folder} was begun with {retired(say)}, which this version no longer has. "
                + $"Read it with version {run.Version}, or train again.")
            : run.Plan.Conflict is Func<HostWords, string> conflict
            ? throw new RunException(say => $"{System.IO.Path.Combine(folder, ConfigurationName)}: damaged: {conflict(say)}")
            : run;
    }

    /// <summary>Reads the result of a run; null where it has not ended.</summary>
    internal static RunResult? TryReadResult(string folder) =>
        Read<RunResult>(folder, ResultName, result => result.IsInRange);

    /// <summary>Reads the newest intact checkpoint; null where the run was stopped before there was one.</summary>
    /// <param name="path">The run's folder.</param>
    /// <param name="damaged">Told of each newer one that is damaged.</param>
    internal static Checkpoint? ReadCheckpoint(string path, Action<string> damaged)
    {
        Checkpoint? checkpoint = CheckpointsIn(path).LoadNewest(damaged);
        if (checkpoint is null && MetricsFile.CountEpochs(path) is > 0 and int epochs)
        {
            string ended = $"{epochs} epoch{(epochs == 1 ? " has" : "s have")} ended";
            throw new RunException($"{path}: no checkpoint to go on from, though {ended}. Train it again in another folder.");
        }

        return checkpoint;
    }

    /// <summary>Makes the measurements of a run that has ended again from its last checkpoint, if they cannot be read.</summary>
    /// <returns>True if they were made again.</returns>
    internal bool MendMetrics(RunConfiguration run)
    {
        try
        {
            MetricsFile.Read(Path);
            return false;
        }
        catch (RunException)
        {
            if (CheckpointsIn(Path).LoadNewest() is not Checkpoint last)
            {
                return false;
            }

            Begin(run, last.Model.Blocks.Count, last.Epochs);
            return true;
        }
    }

    /// <summary>Reads a text file of a run, if it is not larger than any that a run writes.</summary>
    internal static string ReadText(string path, long mostBytes)
    {
        using FileStream file = InputFile.Open(path);
        return file.Length <= mostBytes
            ? InputFile.ReadText(path)
            : throw new RunException(string.Create(
                CultureInfo.InvariantCulture,
                $"{path}: damaged: it is larger than {mostBytes / 1_000_000} MB. Restore it, or train again."));
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
            throw new RunException(
                $"{path}: damaged{line}, or of another version than {RunEnvironment.Version}. Restore it, or train again.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"{path}: cannot be read: {fault.Message}", fault);
        }
    }
}
