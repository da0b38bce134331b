using System.Globalization;
using System.Text.Json;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The folder of one run: <c>config.json</c>, <c>metrics.csv</c>, <c>model.safetensors</c> and, once it has ended, <c>result.json</c>.</summary>
internal sealed class RunFolder : IDisposable
{
    private const string ConfigurationName = "config.json";
    private const string MetricsName = "metrics.csv";
    private const string ModelName = "model.safetensors";
    private const string ResultName = "result.json";
    private const string ResultUnderWay = "result.json.part";
    private const string TestErrorColumn = "test_error";

    private readonly StreamWriter _metrics;

    private RunFolder(string path, StreamWriter metrics) => (Path, _metrics) = (path, metrics);

    /// <summary>The folder.</summary>
    internal string Path { get; }

    /// <summary>The model after the last epoch that was kept.</summary>
    internal string ModelPath => ModelPathIn(Path);

    /// <summary>The last epoch whose model was kept; 0 before the first.</summary>
    internal int LastEpoch { get; private set; }

    /// <summary>Where the model of a run lies.</summary>
    internal static string ModelPathIn(string folder) => System.IO.Path.Combine(folder, ModelName);

    /// <summary>Refuses a path that holds something already.</summary>
    internal static void RequireFree(string path)
    {
        RequireNoFile(path);
        try
        {
            if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
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
    internal static RunFolder Create(string path, RunConfiguration configuration, int blocks) =>
        TryCreate(path, configuration, blocks) ?? throw new CommandFault($"--out {path} was taken by another run just now. Name another.");

    /// <summary>The same in the first of path, path-2, path-3 ... that nothing has taken.</summary>
    internal static RunFolder CreateNext(string path, RunConfiguration configuration, int blocks)
    {
        for (int i = 1; ; i++)
        {
            string next = i == 1 ? path : string.Create(CultureInfo.InvariantCulture, $"{path}-{i}");
            if (!Directory.Exists(next) && !File.Exists(next) && TryCreate(next, configuration, blocks) is RunFolder folder)
            {
                return folder;
            }
        }
    }

    /// <summary>Removes what a run that did not end left in a folder.</summary>
    internal static void Clear(string folder)
    {
        try
        {
            foreach (string name in new[] { ModelName, MetricsName, ResultUnderWay, ConfigurationName })
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

    /// <summary>Reads the configuration of a run.</summary>
    internal static RunConfiguration ReadConfiguration(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new CommandFault($"{folder}: no such folder. Name the folder of a run, as 'onward train' printed it.");
        }

        return Read<RunConfiguration>(folder, ConfigurationName, run => run.Validation >= 0 && Datasets.Names.Contains(run.Dataset))
            ?? throw new CommandFault($"{folder}: no {ConfigurationName} in it. Name the folder of a run, as 'onward train' printed it.");
    }

    /// <summary>Reads what a run came to; null where it has not ended.</summary>
    internal static RunResult? TryReadResult(string folder) =>
        Read<RunResult>(folder, ResultName, result => (result.Divergence is null) == (result.TestError is not null && result.TrainError is not null && result.ImagesPerSecond is not null && result.Seconds is not null));

    /// <summary>Reads the errors on the test set, epoch by epoch.</summary>
    internal static IReadOnlyList<double> ReadTestErrors(string folder)
    {
        string path = System.IO.Path.Combine(folder, MetricsName);
        try
        {
            string[] lines = File.ReadAllLines(path);
            int column = Array.IndexOf(lines[0].Split(','), TestErrorColumn);
            return [.. lines.Skip(1).Select(line => double.Parse(line.Split(',')[column], CultureInfo.InvariantCulture))];
        }
        catch (Exception fault) when (fault is FormatException or IndexOutOfRangeException)
        {
            throw new CommandFault($"{path}: damaged. Delete {folder} to train it anew.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault($"{path}: cannot be read: {fault.Message} Delete {folder} to train it anew.", fault);
        }
    }

    /// <summary>Keeps what the run came to, whole or not at all.</summary>
    internal void Finish(RunResult result)
    {
        try
        {
            string part = System.IO.Path.Combine(Path, ResultUnderWay);
            File.WriteAllText(part, JsonSerializer.Serialize(result, RunConfiguration.Json) + "\n");
            File.Move(part, System.IO.Path.Combine(Path, ResultName), overwrite: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault($"cannot write the result to the run folder {Path}: {fault.Message}", fault);
        }
    }

    /// <summary>Keeps the model and the measurements of an epoch.</summary>
    internal void Keep(LocalMixer model, EpochMetrics epoch)
    {
        try
        {
            ModelFile.Save(model, ModelPath);
            LastEpoch = epoch.Epoch;
            IEnumerable<double> losses = [epoch.TrainLoss, epoch.TrainError, epoch.TestLoss, epoch.TestError, .. epoch.BlockLosses];
            _metrics.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{epoch.Epoch},{epoch.LearningRate:G6},{string.Join(',', losses.Select(loss => loss.ToString("0.######", CultureInfo.InvariantCulture)))},{epoch.ImagesPerSecond:0.#},{epoch.Elapsed.TotalSeconds:0.###}"));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault($"cannot write to the run folder {Path} in epoch {epoch.Epoch}: {fault.Message}", fault);
        }
    }

    /// <summary>Closes the measurements.</summary>
    public void Dispose()
    {
        try
        {
            _metrics.Dispose();
        }
        catch (IOException)
        {
            // A line that could not be written has been told of already.
        }
    }

    // Of two runs that start at once, the one that makes the configuration file has the folder; the other gets null.
    private static RunFolder? TryCreate(string path, RunConfiguration configuration, int blocks)
    {
        List<string> folders = [];
        List<string> files = [];
        StreamWriter? metrics = null;
        try
        {
            folders = Missing(path);
            Directory.CreateDirectory(path);
            if (Claim(System.IO.Path.Combine(path, ConfigurationName)) is not FileStream claimed)
            {
                return null;
            }

            files.Add(claimed.Name);
            using (StreamWriter writer = new(claimed) { NewLine = "\n" })
            {
                writer.WriteLine(JsonSerializer.Serialize(configuration, RunConfiguration.Json));
            }

            files.Add(System.IO.Path.Combine(path, MetricsName));
            metrics = new StreamWriter(files[^1]) { AutoFlush = true, NewLine = "\n" };
            metrics.WriteLine(
                $"epoch,learning_rate,train_loss,train_error,test_loss,{TestErrorColumn},{string.Join(',', Enumerable.Range(0, blocks).Select(k => $"block_{k}_loss"))},images_per_second,seconds");
            return new RunFolder(path, metrics);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            metrics?.Dispose();
            Remove(files, folders);
            throw Unwritable(path, fault);
        }
    }

    // Null where there is no such file.
    private static T? Read<T>(string folder, string name, Func<T, bool> holds)
        where T : class
    {
        string path = System.IO.Path.Combine(folder, name);
        try
        {
            T? value = JsonSerializer.Deserialize<T>(File.ReadAllText(path), RunConfiguration.Json);
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

    private static FileStream? Claim(string path)
    {
        try
        {
            return new FileStream(path, FileMode.CreateNew, FileAccess.Write);
        }
        catch (IOException) when (File.Exists(path))
        {
            return null;
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
