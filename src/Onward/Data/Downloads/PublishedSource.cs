namespace Onward.Data;

/// <summary>Finds a published data set on this machine, or downloads it once, and reads it into memory.</summary>
/// <remarks>
/// Places in order: the folder the caller names; <see cref="DataRoot"/>; <see cref="CacheDirectory"/>; the mirrors, which fill
/// the cache. In the first two the files may also lie in a subfolder with the name of the data set.
/// </remarks>
public abstract class PublishedSource
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(15);

    private protected PublishedSource(string name, string description, IReadOnlyList<Uri> mirrors)
    {
        Name = name;
        Description = description;
        Mirrors = mirrors;
        CacheDirectory = Path.Combine(CacheRoot(), "onward", name);
    }

    /// <summary>Name of the data set in paths and on a command line.</summary>
    public string Name { get; }

    /// <summary>What the images show, in a few words.</summary>
    public string Description { get; }

    /// <summary>Folder of data sets. Default: the environment variable <c>ONWARD_DATA</c>; null or empty when there is none.</summary>
    public string? DataRoot { get; init; } = Environment.GetEnvironmentVariable("ONWARD_DATA");

    /// <summary>Folder that downloads fill. Default: <c>onward</c> and the name of the data set, under the user's cache folder.</summary>
    public string CacheDirectory { get; init; }

    /// <summary>Addresses that hold the files as published, each ending in a slash, tried in order. Empty: never download.</summary>
    public IReadOnlyList<Uri> Mirrors { get; init; }

    /// <summary>Carries the requests; the caller disposes of it. Null: sockets, with a connection timeout of 5 seconds.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>Loads both sets. Blocks until they are in memory.</summary>
    /// <param name="directory">Folder that must hold the files; null to look in the other places.</param>
    /// <param name="progress">Told of every block of bytes downloaded; null for silence.</param>
    /// <param name="cancellation">Ends a download; nothing of the file under way is left behind.</param>
    /// <returns>The training and test images, in the order of the files.</returns>
    /// <exception cref="DataException">A folder that was named lacks a file, or a file is unreadable or damaged.</exception>
    /// <exception cref="DownloadUnavailableException">The data set is in none of the places and no mirror could supply it.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was requested.</exception>
    public ImageDataset Load(
        string? directory,
        IProgress<DownloadProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        if (Locate(directory) is string found)
        {
            return Read(found, found);
        }

        if (directory is not null)
        {
            return Read(directory, directory);
        }

        Download(progress, cancellation);
        return Read(FindIn(CacheDirectory) ?? CacheDirectory, $"{CacheDirectory}, just downloaded");
    }

    /// <summary>Where the files lie on this machine; nothing is read or downloaded.</summary>
    /// <param name="directory">Folder to look in; null for <see cref="DataRoot"/>, then <see cref="CacheDirectory"/>.</param>
    /// <returns>A folder or an archive; null if there is none, or the cache is not complete.</returns>
    /// <exception cref="DataException"><see cref="DataRoot"/> does not exist.</exception>
    public string? Locate(string? directory)
    {
        if (directory is not null)
        {
            return FindIn(directory);
        }

        if (!string.IsNullOrEmpty(DataRoot))
        {
            if (!Directory.Exists(DataRoot))
            {
                throw new DataException($"{DataRoot}: no such folder. Correct the environment variable ONWARD_DATA or unset it.");
            }

            if (FindInRoot(DataRoot) is string found)
            {
                return found;
            }
        }

        return MissingFrom(CacheDirectory).Any() ? null : FindIn(CacheDirectory);
    }

    /// <summary>Fills the cache with the files it lacks, each checked against its published checksum.</summary>
    /// <param name="progress">Told of every block of bytes; null for silence.</param>
    /// <param name="cancellation">Ends the download; nothing of the file under way is left behind.</param>
    /// <returns>The names of the files that were fetched.</returns>
    /// <exception cref="DownloadUnavailableException">No mirror could supply a file.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was requested.</exception>
    public IReadOnlyList<string> Download(IProgress<DownloadProgress>? progress = null, CancellationToken cancellation = default) =>
        DownloadAsync(progress, cancellation).GetAwaiter().GetResult();

    /// <summary>Compares every file with its published checksum.</summary>
    /// <param name="directory">Folder to look in; null for the usual places, without downloading.</param>
    /// <returns>One entry for each file.</returns>
    /// <exception cref="DataException">A file cannot be read, or an archive is damaged so that nothing in it can be compared.</exception>
    public IReadOnlyList<FileCheck> Verify(string? directory) => [.. Check(Locate(directory) ?? directory ?? CacheDirectory)];

    /// <summary>
    /// The folder or archive, at a path or in its usual subfolders, that holds at least one of the files; null if none does.
    /// </summary>
    private protected abstract string? FindIn(string path);

    /// <summary>The same for <see cref="DataRoot"/>.</summary>
    private protected virtual string? FindInRoot(string root) => FindIn(root);

    /// <summary>Compares the files of a folder or an archive, whether they are there or not.</summary>
    private protected abstract IEnumerable<FileCheck> Check(string place);

    /// <summary>What a folder needs from the mirrors to be complete.</summary>
    private protected abstract IEnumerable<PublishedFile> MissingFrom(string folder);

    /// <summary>Reads a folder or an archive.</summary>
    private protected abstract ImageDataset Read(string place, string source);

    private async Task<IReadOnlyList<string>> DownloadAsync(IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        using SocketsHttpHandler? sockets = Handler is null ? new() { ConnectTimeout = ConnectTimeout } : null;
        using HttpClient client = new(Handler ?? sockets!, disposeHandler: false) { Timeout = AnswerTimeout };
        MirrorDownload download = new(client, Mirrors, progress);
        List<string> fetched = [];
        foreach (PublishedFile file in MissingFrom(CacheDirectory).ToList())
        {
            await download.FetchAsync(file, CacheDirectory, cancellation).ConfigureAwait(false);
            fetched.Add(file.Name);
        }

        return fetched;
    }

    private static string CacheRoot()
    {
        if (OperatingSystem.IsWindows())
        {
            return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        }

        string? root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        return Path.IsPathRooted(root) ? root! : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
    }
}
