using System.Globalization;
using System.Text;
using System.Text.Json;
using Onward.Formats;
using Onward.Training;

namespace Onward.Runs;

/// <content>Makes the folder of a run.</content>
internal sealed partial class RunFolder
{
    /// <summary>Refuses a path that holds something already.</summary>
    /// <param name="path">The path; null where none was named.</param>
    /// <returns>True.</returns>
    internal static bool RequireFree(string? path)
    {
        if (path is null)
        {
            return true;
        }

        RequireNoFile(path);
        try
        {
            if (HoldsStoppedRun(path))
            {
                throw new RunException(say =>
                    $"{say.Setting("folder")} {path} holds a run that has not ended. "
                    + $"Go on with it by {say.Resuming(path)}, or name another folder.");
            }

            if (!IsUnused(path))
            {
                throw new RunException(
                    say => $"{say.Setting("folder")} {path} is not empty. Name a folder that is empty or does not exist.");
            }

            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, fault);
        }
    }

    // True if nothing is there, or only the files of a process that was killed before the configuration had its name.
    private static bool IsUnused(string path)
    {
        if (!Directory.Exists(path))
        {
            return true;
        }

        string[] cut = CutConfigurations(path);
        return Directory.EnumerateFileSystemEntries(path).Except(cut).All(entry => System.IO.Path.GetFileName(entry) switch
        {
            RunLock.Name => true,
            CheckpointsName => Directory.Exists(entry) && (cut.Length > 0 || !Directory.EnumerateFileSystemEntries(entry).Any()),
            _ => false,
        });
    }

    private static string[] CutConfigurations(string path) =>
        Directory.GetFiles(path, $"{ConfigurationName}.*{DurableFile.PartialExtension}");

    /// <summary>Refuses a path that leads through a file or to one.</summary>
    internal static void RequireNoFile(string path)
    {
        for (string? part = System.IO.Path.GetFullPath(path); part is not null; part = System.IO.Path.GetDirectoryName(part))
        {
            if (File.Exists(part))
            {
                string file = part;
                throw new RunException(say =>
                    $"{say.Setting("folder")} {path} cannot be a folder, because {file} is a file. "
                    + "Name a folder that is empty or does not exist.");
            }
        }
    }

    /// <summary>Makes a folder with the configuration in it, or leaves nothing behind.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="configuration">The run's options.</param>
    /// <param name="blocks">Blocks of its model.</param>
    /// <param name="keep">How many of the last checkpoints are kept; 0 for a run without any.</param>
    /// <param name="from">The checkpoints that the run goes on from, in the order of time; in the folder before it is a run.</param>
    internal static RunFolder Create(string path, RunConfiguration configuration, int blocks, int keep = 0, params Checkpoint[] from) =>
        TryCreate(path, configuration, blocks, keep, from)
        ?? throw new RunException(say => $"{say.Setting("folder")} {path} was taken by another run just now. Name another.");

    /// <summary>Makes the folder at the path that was named, or else at the first of path, path-2 ... that is free.</summary>
    internal static RunFolder CreateAt(
        string? named, string byDefault, RunConfiguration configuration, int blocks, int keep, params Checkpoint[] from) =>
        named is null
            ? CreateNext(byDefault, configuration, blocks, keep, from)
            : Create(named, configuration, blocks, keep, from);

    /// <summary>Makes the folder in the first of path, path-2, path-3 ... that nothing has taken.</summary>
    internal static RunFolder CreateNext(string path, RunConfiguration configuration, int blocks, int keep, params Checkpoint[] from)
    {
        for (int i = 1; ; i++)
        {
            string next = i == 1 ? path : string.Create(CultureInfo.InvariantCulture, $"{path}-{i}");
            if (IsUnused(next) && !File.Exists(next) && TryCreate(next, configuration, blocks, keep, from) is RunFolder folder)
            {
                return folder;
            }
        }
    }

    /// <summary>Removes the files of a run that did not end from a folder.</summary>
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

    // Of two runs that start at once, the one that takes the lock has the folder; the other gets null.
    private static RunFolder? TryCreate(string path, RunConfiguration configuration, int blocks, int keep, Checkpoint[] from)
    {
        List<string> folders = [];
        List<string> files = [];
        RunFolder? folder = null;
        try
        {
            string checkpoints = System.IO.Path.Combine(path, CheckpointsName);
            folders = Missing(keep > 0 ? checkpoints : path);
            Directory.CreateDirectory(path);
            string mine = System.IO.Path.Combine(path, RunLock.Name), config = System.IO.Path.Combine(path, ConfigurationName);
            if (RunLock.TryTake(path) is not RunLock taken)
            {
                return null;
            }

            folder = new RunFolder(path, taken, keep);
            if (File.Exists(config))
            {
                folder.Dispose();
                return null;
            }

            if (keep > 0)
            {
                RunLock.RequireNoLink(checkpoints);
                Directory.CreateDirectory(checkpoints);
            }

            if (CutConfigurations(path).Length > 0 && Directory.Exists(checkpoints))
            {
                Array.ForEach(Directory.GetFiles(checkpoints), File.Delete);
            }

            DurableFile.DeletePartial(path);
            files.AddRange([mine, config, System.IO.Path.Combine(path, MetricsFile.Name)]);
            DurableFile.Write(config, file =>
            {
                WriteJson(file, configuration);
                foreach (Checkpoint checkpoint in from)
                {
                    folder._checkpoints!.Save(checkpoint);
                    files.AddRange(Directory.GetFiles(checkpoints));
                }
            });
            folder._metrics = MetricsFile.Create(path, MetricsLayout.Of(configuration, blocks), from.LastOrDefault()?.Epochs ?? []);
            folder.LastEpoch = from.LastOrDefault()?.Epochs.Count ?? 0;
            return folder;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            folder?.Dispose();
            Remove(files, folders);
            throw Unwritable(path, fault);
        }
    }

    private static void WriteJson<T>(Stream file, T value) =>
        file.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(value, RunConfiguration.Json) + "\n"));

    // The folders that making a path would make, innermost first.
    private static List<string> Missing(string path)
    {
        List<string> missing = [];
        string? folder = System.IO.Path.GetFullPath(path);
        while (folder is not null && !Directory.Exists(folder))
        {
            missing.Add(folder);
            folder = System.IO.Path.GetDirectoryName(folder);
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
    internal static RunException Unwritable(string path, Exception fault) =>
        new(say => $"the run folder {path} cannot be written: {fault.Message} Name another{say.With("folder")}.", fault);
}
