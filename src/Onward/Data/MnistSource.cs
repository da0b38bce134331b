namespace Onward.Data;

/// <summary>Finds MNIST on this machine, or downloads it once, and reads it into memory.</summary>
/// <remarks>
/// Places in order: the folder the caller names; <see cref="DataRoot"/>; <see cref="CacheDirectory"/>; the mirrors, which fill
/// the cache. In the first two the files may also lie in a subfolder <c>mnist</c>. Every file may be plain or gzip, and be
/// spelled <c>train-images-idx3-ubyte</c> or <c>train-images.idx3-ubyte</c>.
/// </remarks>
public sealed class MnistSource
{
    private const int Classes = 10;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(15);

    /// <summary>Folder of data sets. Default: the environment variable <c>ONWARD_DATA</c>; null or empty when there is none.</summary>
    public string? DataRoot { get; init; } = Environment.GetEnvironmentVariable("ONWARD_DATA");

    /// <summary>Folder that downloads fill. Default: <c>onward/mnist</c> under the user's cache folder.</summary>
    public string CacheDirectory { get; init; } = DefaultCacheDirectory();

    /// <summary>Addresses that hold the four gzip files, each ending in a slash, tried in order. Empty: never download.</summary>
    public IReadOnlyList<Uri> Mirrors { get; init; } =
    [
        new("https://ossci-datasets.s3.amazonaws.com/mnist/"),
        new("https://storage.googleapis.com/cvdf-datasets/mnist/"),
    ];

    /// <summary>Carries the requests; the caller disposes of it. Null: sockets, with a connection timeout of 5 seconds.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>Loads both sets. Blocks until they are in memory.</summary>
    /// <param name="directory">Folder that must hold the four files; null to look in the other places.</param>
    /// <param name="progress">Told of every block of bytes downloaded; null for silence.</param>
    /// <param name="cancellation">Ends a download; nothing of the file under way is left behind.</param>
    /// <returns>60,000 training and 10,000 test images of 28x28x1, if the files are the original ones.</returns>
    /// <exception cref="DataException">A folder that was named lacks a file, or a file is unreadable or damaged.</exception>
    /// <exception cref="DownloadUnavailableException">MNIST is in none of the places and no mirror could supply it.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was requested.</exception>
    public ImageDataset Load(
        string? directory,
        IProgress<DownloadProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        if (directory is not null)
        {
            return Read(FolderWithFiles(directory) ?? directory, source: null);
        }

        if (!string.IsNullOrEmpty(DataRoot))
        {
            if (!Directory.Exists(DataRoot))
            {
                throw new DataException($"{DataRoot}: no such folder. Correct the environment variable ONWARD_DATA or unset it.");
            }

            if (FolderWithFiles(DataRoot) is string found)
            {
                return Read(found, source: null);
            }
        }

        bool complete = MnistFile.All.All(file => file.FindIn(CacheDirectory) is not null);
        if (!complete)
        {
            FillCacheAsync(progress, cancellation).GetAwaiter().GetResult();
        }

        return Read(CacheDirectory, complete ? null : $"{CacheDirectory}, just downloaded");
    }

    private static string? FolderWithFiles(string directory) =>
        new[] { directory, Path.Combine(directory, "mnist") }
            .FirstOrDefault(folder => MnistFile.All.Any(file => file.FindIn(folder) is not null));

    private static ImageDataset Read(string folder, string? source)
    {
        LabelledImages training = ReadPair(folder, MnistFile.TrainingImages, MnistFile.TrainingLabels);
        LabelledImages test = ReadPair(folder, MnistFile.TestImages, MnistFile.TestLabels);
        return (training.Height, training.Width) == (test.Height, test.Width)
            ? new ImageDataset("MNIST", training, test, [0.1307f], [0.3081f], source ?? folder)
            : throw new DataException(
                $"{folder}: training images of {training.Height}x{training.Width}, test images of {test.Height}x{test.Width}, "
                + "expected one size. Use files of the same set.");
    }

    private static LabelledImages ReadPair(string folder, MnistFile images, MnistFile labels) =>
        IdxFile.Read(Require(folder, images), Require(folder, labels), Classes);

    private static string Require(string folder, MnistFile file) => file.FindIn(folder)
        ?? throw new DataException(
            $"{folder}: no file {file.Name}, expected the four files of MNIST, plain or gzip. Add it, or name another folder.");

    private static string DefaultCacheDirectory()
    {
        string? root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (OperatingSystem.IsWindows())
        {
            root = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        }
        else if (!Path.IsPathRooted(root))
        {
            root = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        }

        return Path.Combine(root, "onward", "mnist");
    }

    private async Task FillCacheAsync(IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        using SocketsHttpHandler? sockets = Handler is null ? new() { ConnectTimeout = ConnectTimeout } : null;
        using HttpClient client = new(Handler ?? sockets!, disposeHandler: false) { Timeout = AnswerTimeout };
        MirrorDownload download = new(client, Mirrors, progress);
        foreach (MnistFile file in MnistFile.All.Where(file => file.FindIn(CacheDirectory) is null))
        {
            await download.FetchAsync(file, CacheDirectory, cancellation).ConfigureAwait(false);
        }
    }
}
