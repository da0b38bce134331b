namespace Onward.Data;

/// <summary>Finds a published data set on this machine, or downloads it once, and reads it.</summary>
/// <remarks>
/// It looks in this order: the folder given by the caller; <see cref="DataRoot"/>; <see cref="CacheDirectory"/>; the mirrors,
/// from which the cache is filled. In the first two places, the files may also lie in a subfolder named after the data set.
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
        CacheDirectory = UserCache.FolderOf(name);
    }

    /// <summary>Name of the data set, used in paths and on the command line.</summary>
    public string Name { get; }

    /// <summary>Short description of the images.</summary>
    public string Description { get; }

    /// <summary>Folder of data sets; null or empty for none. Default: the environment variable <c>ONWARD_DATA</c>.</summary>
    public string? DataRoot { get; init; } = Environment.GetEnvironmentVariable("ONWARD_DATA");

    /// <summary>Folder for downloads. Default: <c>onward</c> and the name of the data set, under the user's cache folder.</summary>
    public string CacheDirectory { get; init; }

    /// <summary>Addresses of folders with the published files, each ending in a slash, tried in order. Empty to never download.</summary>
    public IReadOnlyList<Uri> Mirrors { get; init; }

    /// <summary>
    /// Handler of the HTTP requests, disposed of by the caller. Null for the default, with a connection timeout of 5 seconds.
    /// </summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>Loads both sets. Blocks until they can be read.</summary>
    /// <param name="directory">Folder that must hold the files; null to look in the other places.</param>
    /// <param name="progress">Receives every block of bytes downloaded; null for no reports.</param>
    /// <param name="cancellation">Cancels a download. An incomplete file is removed.</param>
    /// <returns>The training and test images, in the order of the files.</returns>
    /// <exception cref="DataException">The given folder lacks a file, or a file is unreadable or damaged.</exception>
    /// <exception cref="DownloadUnavailableException">The data set is in none of the places, and no mirror could supply it.</exception>
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

    /// <summary>Finds the files on this machine, without reading or downloading them.</summary>
    /// <param name="directory">Folder to look in; null for <see cref="DataRoot"/>, then <see cref="CacheDirectory"/>.</param>
    /// <returns>A folder or an archive; null if there is none, or if the cache is not complete.</returns>
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

    /// <summary>Downloads the files that the cache lacks and checks each against its published checksum.</summary>
    /// <param name="progress">Receives every block of bytes downloaded; null for no reports.</param>
    /// <param name="cancellation">Cancels the download. An incomplete file is removed.</param>
    /// <returns>The names of the downloaded files.</returns>
    /// <exception cref="DownloadUnavailableException">No mirror could supply a file.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was requested.</exception>
    public IReadOnlyList<string> Download(IProgress<DownloadProgress>? progress = null, CancellationToken cancellation = default) =>
        DownloadAsync(progress, cancellation).GetAwaiter().GetResult();

    /// <summary>Compares every file with its published checksum.</summary>
    /// <param name="directory">Folder to look in; null for the default places. Nothing is downloaded.</param>
    /// <returns>One entry for each file.</returns>
    /// <exception cref="DataException">A file cannot be read, or an archive is so damaged that nothing in it can be compared.</exception>
    public IReadOnlyList<FileCheck> Verify(string? directory) => [.. Check(Locate(directory) ?? directory ?? CacheDirectory)];

    /// <summary>
    /// Finds the folder or archive that holds at least one of the files, at a path or in its usual subfolders. Null if there is
    /// none.
    /// </summary>
    private protected abstract string? FindIn(string path);

    /// <summary>Finds the files in <see cref="DataRoot"/>, as <see cref="FindIn"/> does for other folders.</summary>
    private protected virtual string? FindInRoot(string root) => FindIn(root);

    /// <summary>
    /// Compares the files of a folder or an archive with the published ones. Files that are missing are reported as such.
    /// </summary>
    private protected abstract IEnumerable<FileCheck> Check(string place);

    /// <summary>Lists the published files that a folder lacks.</summary>
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
}
