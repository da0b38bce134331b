using System.Globalization;
using System.Text.Json;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The folder of one run: <c>config.json</c>, <c>metrics.csv</c>, <c>model.safetensors</c>.</summary>
internal sealed class RunFolder : IDisposable
{
    private const string ConfigurationName = "config.json";
    private const string MetricsName = "metrics.csv";
    private const string ModelName = "model.safetensors";

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

    /// <summary>The first of base, base-2, base-3 ... that nothing has taken.</summary>
    internal static string FirstFree(string path)
    {
        string free = path;
        for (int i = 2; Directory.Exists(free) || File.Exists(free); i++)
        {
            free = string.Create(CultureInfo.InvariantCulture, $"{path}-{i}");
        }

        return free;
    }

    /// <summary>Refuses a path that holds something already.</summary>
    internal static void RequireFree(string path)
    {
        for (string? part = System.IO.Path.GetFullPath(path); part is not null; part = System.IO.Path.GetDirectoryName(part))
        {
            if (File.Exists(part))
            {
                throw new CommandFault($"--out {path} cannot be a folder, because {part} is a file. Name a folder that is empty or does not exist.");
            }
        }

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

    /// <summary>Makes the folder with its configuration in it, or leaves nothing behind.</summary>
    internal static RunFolder Create(string path, RunConfiguration configuration, int blocks)
    {
        string? created = null;
        StreamWriter? metrics = null;
        string[] files = [System.IO.Path.Combine(path, ConfigurationName), System.IO.Path.Combine(path, MetricsName)];
        try
        {
            created = FirstMissing(path);
            Directory.CreateDirectory(path);
            File.WriteAllText(files[0], JsonSerializer.Serialize(configuration, RunConfiguration.Json) + "\n");
            metrics = new StreamWriter(files[1]) { AutoFlush = true, NewLine = "\n" };
            metrics.WriteLine(
                $"epoch,learning_rate,train_loss,train_error,test_loss,test_error,{string.Join(',', Enumerable.Range(0, blocks).Select(k => $"block_{k}_loss"))},images_per_second,seconds");
            return new RunFolder(path, metrics);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            metrics?.Dispose();
            Remove(created, files);
            throw Unwritable(path, fault);
        }
    }

    /// <summary>Reads the configuration of a run.</summary>
    internal static RunConfiguration ReadConfiguration(string folder)
    {
        string path = System.IO.Path.Combine(folder, ConfigurationName);
        if (!Directory.Exists(folder))
        {
            throw new CommandFault($"{folder}: no such folder. Name the folder of a run, as 'onward train' printed it.");
        }

        try
        {
            return JsonSerializer.Deserialize<RunConfiguration>(File.ReadAllText(path), RunConfiguration.Json) ?? throw new JsonException();
        }
        catch (FileNotFoundException fault)
        {
            throw new CommandFault($"{folder}: no {ConfigurationName} in it. Name the folder of a run, as 'onward train' printed it.", fault);
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
    public void Dispose() => _metrics.Dispose();

    // The topmost folder that making a path would make; null if it is there.
    private static string? FirstMissing(string path)
    {
        string? missing = null;
        for (string? folder = System.IO.Path.GetFullPath(path); folder is not null && !Directory.Exists(folder); folder = System.IO.Path.GetDirectoryName(folder))
        {
            missing = folder;
        }

        return missing;
    }

    private static void Remove(string? created, string[] files)
    {
        try
        {
            if (created is not null && Directory.Exists(created))
            {
                Directory.Delete(created, recursive: true);
            }
            else
            {
                Array.ForEach(files, File.Delete);
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // What cannot be removed stays; the fault that is being reported matters more.
        }
    }

    private static CommandFault Unwritable(string path, Exception fault) =>
        new($"the run folder {path} cannot be written: {fault.Message} Name another with --out.", fault);
}
