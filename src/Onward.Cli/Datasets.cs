using System.Globalization;
using Onward.Data;

namespace Onward.Cli;

/// <summary>The data sets by name.</summary>
internal static class Datasets
{
    internal const string Mnist = "mnist";
    internal const string Cifar = "cifar-10";
    internal const string Digits = "digits";

    internal static IReadOnlyList<string> Names { get; } = [Mnist, Cifar, Digits];

    /// <summary>Loads a data set into memory.</summary>
    /// <param name="name">Its name; null for MNIST if it can be had, else digits.</param>
    /// <param name="directory">Folder with its files; null to look for them.</param>
    /// <param name="host">Takes notices.</param>
    internal static (string Name, ImageDataset Data) Load(string? name, string? directory, Host host)
    {
        if (name == Digits)
        {
            return directory is null
                ? (Digits, DigitsSource.Load())
                : throw new CommandFault("--data names a folder of files, but the data set digits is drawn, not read. Leave --data out.");
        }

        string chosen = name ?? Mnist;
        PublishedSource source = host.Sources.Single(source => source.Name == chosen);
        string? place = directory is null ? null : host.Resolve(directory);
        if (place is not null && !Directory.Exists(place) && !File.Exists(place))
        {
            throw new CommandFault($"--data {place}: no such folder. Name the folder with the files of {chosen}, or leave --data out.");
        }

        try
        {
            ImageDataset data = source.Load(place, new DownloadNotice(host.Error), host.Interruption);
            return data.Training.Height == data.Training.Width
                ? (chosen, data)
                : throw new CommandFault($"the images in {data.Source} are {data.Training.Height}x{data.Training.Width}; models take square ones.");
        }
        catch (DownloadUnavailableException fault) when (name is null)
        {
            host.Notices.Add($"training on digits, which this program draws, because MNIST cannot be had: {fault.Message}");
            return (Digits, DigitsSource.Load());
        }
        catch (DownloadUnavailableException fault)
        {
            throw new CommandFault($"{fault.Message} Or name their folder with --data; 'onward train --dataset digits' needs none.", fault);
        }
    }

    // One line for each file.
    private sealed class DownloadNotice(TextWriter output) : IProgress<DownloadProgress>
    {
        private string? _file;

        public void Report(DownloadProgress value)
        {
            if (_file != value.File)
            {
                _file = value.File;
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"downloading {value.File}, {value.Total / 1e6:0.0} MB"));
            }
        }
    }
}
