using System.Security.Cryptography;

namespace Onward.Data;

/// <summary>Fetches files from the first mirror that gives the right bytes, and stays with that mirror for the next file.</summary>
internal sealed class MirrorDownload(HttpClient client, IReadOnlyList<Uri> mirrors, IProgress<DownloadProgress>? progress)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly byte[] _buffer = new byte[1 << 16];
    private int _mirror;

    /// <summary>Places a checked file in a folder, or leaves nothing there.</summary>
    /// <exception cref="DownloadUnavailableException">Every mirror failed.</exception>
    public async Task FetchAsync(PublishedFile file, string folder, CancellationToken cancellation)
    {
        List<string> faults = [];
        while (faults.Count < mirrors.Count)
        {
            Uri address = new(mirrors[_mirror], file.Name);
            try
            {
                await FetchFromAsync(address, file, folder, cancellation).ConfigureAwait(false);
                return;
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException or InvalidDataException
                or UnauthorizedAccessException or OperationCanceledException)
            {
                cancellation.ThrowIfCancellationRequested();
                faults.Add($"{address.Host}: {fault.Message.TrimEnd('.')}");
                _mirror = (_mirror + 1) % mirrors.Count;
            }
        }

        throw new DownloadUnavailableException(
            $"{file.Name} is not in {folder} and could not be downloaded ({string.Join("; ", faults)}). "
            + "Connect to the network, or put the published files in that folder.");
    }

    private async Task FetchFromAsync(Uri address, PublishedFile file, string folder, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await client
            .GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        Directory.CreateDirectory(folder);
        string partial = Path.Combine(folder, $"{file.Name}.{Path.GetRandomFileName()}.partial");
        try
        {
            using (FileStream target = new(partial, FileMode.CreateNew))
            {
                await CopyCheckedAsync(response, target, file, cancellation).ConfigureAwait(false);
            }

            File.Move(partial, Path.Combine(folder, file.Name), overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private async Task CopyCheckedAsync(
        HttpResponseMessage response, FileStream target, PublishedFile file, CancellationToken cancellation)
    {
        using Stream source = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        using IncrementalHash hash = IncrementalHash.CreateHash(file.Algorithm);
        using CancellationTokenSource stalled = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        long received = 0;
        while (received <= file.Length)
        {
            stalled.CancelAfter(Patience);
            int length = await ReadAsync(source, stalled.Token, cancellation).ConfigureAwait(false);
            if (length == 0)
            {
                break;
            }

            hash.AppendData(_buffer, 0, length);
            target.Write(_buffer, 0, length);
            received += length;
            progress?.Report(new DownloadProgress(file.Name, received, file.Length));
        }

        if (received != file.Length)
        {
            string seen = received < file.Length ? $"ended after {received}" : $"sent more than {file.Length}";
            throw new InvalidDataException($"{seen} bytes, expected {file.Length}");
        }

        string checksum = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (checksum != file.Checksum)
        {
            string name = file.Algorithm == HashAlgorithmName.SHA256 ? "SHA-256" : "MD5";
            throw new InvalidDataException($"{name} {checksum}, expected {file.Checksum}");
        }
    }

    private async Task<int> ReadAsync(Stream source, CancellationToken stalled, CancellationToken cancellation)
    {
        try
        {
            return await source.ReadAsync(_buffer, stalled).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"no bytes for {Patience.TotalSeconds} seconds");
        }
    }
}
