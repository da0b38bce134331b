using System.Globalization;
using Onward.Data;
using Onward.Imaging;

namespace Onward.Runs;

/// <summary>The data sets by name.</summary>
internal static class Datasets
{
    internal const string Mnist = "mnist";
    internal const string Digits = "digits";
    internal const string Idx = "idx";
    internal const string Folder = "folder";

    internal const string Text = "text";

    /// <summary>Characters of a window of a text by default.</summary>
    internal const int DefaultContext = 128;

    /// <summary>Rows and columns of images in folders by default, as for ImageNet.</summary>
    internal const int DefaultImageSize = 224;

    /// <summary>Every data set with a description.</summary>
    internal static IReadOnlyList<(string Name, string Description)> All { get; } =
    [
        .. RunHost.PublishedSources.Select(source => (source.Name, source.Description)),
        (Digits, "digits drawn by this program, 28x28 grey; no files"),
        (Idx, "your own images, grey or colour, in four IDX files of a folder"),
        (Folder, "your own images, a folder for each class, in train, val and test or in one"),
        (Text, "your own text, a file or a folder of .txt and .md files, character by character"),
    ];

    internal static IReadOnlyList<string> Names { get; } = [.. All.Select(dataset => dataset.Name)];

    /// <summary>Loads a data set into memory, or lists the images in folders.</summary>
    /// <param name="name">Its name; null for MNIST if it can be had, else digits.</param>
    /// <param name="directory">Folder with its files; null to look for them.</param>
    /// <param name="imageSize">Rows and columns that images in folders are brought to; null for the default.</param>
    /// <param name="host">Takes notices.</param>
    /// <param name="antialias">True to smooth images in folders before they are made smaller.</param>
    /// <param name="maxDamaged">Percent of the images in folders that may be damaged; null for the default.</param>
    /// <param name="context">Characters of a window of a text; null for the default.</param>
    internal static (string Name, ImageDataset Data) Load(
        string? name,
        string? directory,
        int? imageSize,
        RunHost host,
        bool antialias = true,
        double? maxDamaged = null,
        int? context = null)
    {
        if (context is not null && name != Text)
        {
            throw new RunException(say =>
                $"{say.Setting("context")} belongs to {say.Setting("dataset")} {Text}; images have no context. Leave it out.");
        }

        if (imageSize is not null && name != Folder)
        {
            throw new RunException(say =>
                $"{say.Setting("image size")} belongs to {say.Setting("dataset")} {Folder}; the images of other data sets keep their size. "
                + "Leave it out.");
        }

        if (name == Text)
        {
            string text = directory ?? throw new RunException(say =>
                $"the data set {Text} needs {say.Setting("data")}: a text file, or a folder with .txt and .md files.");
            return (Text, TextFiles.Load(host.Resolve(text), context ?? DefaultContext));
        }

        if (name == Digits)
        {
            return directory is null
                ? (Digits, DigitsSource.Load())
                : throw new RunException(say =>
                    $"{say.Setting("data")} names a folder of files, but the data set digits is drawn, not read. "
                    + $"Leave {say.Setting("data")} out.");
        }

        string chosen = name ?? Mnist;
        string? place = Place(chosen, directory, host);
        if (chosen == Idx)
        {
            string files = place
                ?? throw new RunException(say => $"the data set idx needs {say.Setting("data")}: the folder with its four IDX files.");
            return (Idx, Square(IdxFolder.Load(files)));
        }

        if (chosen == Folder)
        {
            string folder = place
                ?? throw new RunException(say =>
                    $"the data set {Folder} needs {say.Setting("data")}: the folder that holds train and val, "
                    + "or the folders of the classes.");
            host.Skipped.MostShare = maxDamaged / 100 ?? host.Skipped.MostShare;
            return (Folder, ImageFolder.Load(folder, imageSize ?? DefaultImageSize, host.Skipped, host.Notices.Add, antialias));
        }

        try
        {
            return (chosen, Square(Published(chosen, host)!.Load(place, new DownloadNotice(host), host.Interruption)));
        }
        catch (DownloadUnavailableException fault) when (name is null)
        {
            host.Notices.Add($"training on digits, which this program draws, because MNIST cannot be had: {fault.Message}");
            return (Digits, DigitsSource.Load());
        }
        catch (DownloadUnavailableException fault)
        {
            throw new RunException(
                say => $"{fault.Message} Or name their folder with {say.Setting("data")}; {say.Setting("dataset")} digits needs none.",
                fault);
        }
    }

    /// <summary>Tells that images which are one set are split for training.</summary>
    internal static void TellOfSplit(ImageDataset data, RunHost host)
    {
        if (data.IsOneSet)
        {
            host.Notices.Add($"{data.Source} has no folder val or test: a fifth of each class is held out by the seed, to test on.");
        }
    }

    /// <summary>The source of a published data set; null for one that is drawn or the user's own.</summary>
    internal static PublishedSource? Published(string name, RunHost host) => host.Sources.SingleOrDefault(source => source.Name == name);

    /// <summary>The full path of the folder that the user named; null where none was.</summary>
    internal static string? Place(string name, string? directory, RunHost host)
    {
        string? place = directory is null ? null : host.Resolve(directory);
        return place is null || Directory.Exists(place) || File.Exists(place)
            ? place
            : throw new RunException(say =>
                $"{say.Setting("data")} {place}: no such folder. "
                + $"Name the folder with the files of {name}, or leave {say.Setting("data")} out.");
    }

    private static ImageDataset Square(ImageDataset data) => data.Training.Height == data.Training.Width
        ? data
        : throw new RunException($"the images in {data.Source} are {data.Training.Height}x{data.Training.Width}; models take square ones.");

    // One line for each file.
    internal sealed class DownloadNotice(RunHost host) : IProgress<DownloadProgress>
    {
        private string? _file;

        public void Report(DownloadProgress value)
        {
            if (_file != value.File)
            {
                _file = value.File;
                host.Tell(string.Create(CultureInfo.InvariantCulture, $"downloading {value.File}, {value.Total / 1e6:0.0} MB"));
            }
        }
    }
}
