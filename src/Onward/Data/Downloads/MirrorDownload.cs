using System.Globalization;
using System.Security.Cryptography;
using Onward.Formats;

namespace Onward.Data;

/// <summary>Downloads files from the first mirror that supplies the right bytes, and uses that mirror first for the next file.</summary>
internal sealed class MirrorDownload(HttpClient client, IReadOnlyList<Uri> mirrors, IProgress<DownloadProgress>? progress)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly byte[] _buffer = new byte[1 << 16];
    private int _mirror;

    /// <summary>Downloads a file into a folder and checks it. If that fails, no file is left there.</summary>
    /// <exception cref="DownloadUnavailableException">Every mirror failed, or this machine cannot fetch or keep the file.</exception>
    public async Task FetchAsync(PublishedFile file, string folder, CancellationToken cancellation)
    {
        if (OpenSsl.IsMissing)
        {
            throw new DownloadUnavailableException(
                $"{file.Name} is not in {folder} and cannot be downloaded: .NET needs OpenSSL for HTTPS and checksums, "
                + $"and this machine has none. {OpenSsl.Cure}, or put the published files in that folder.");
        }

        List<string> faults = [];
        while (faults.Count < mirrors.Count)
        {
            Uri address = new(mirrors[_mirror], file.Name);
            try
            {
                await FetchFromAsync(address, file, folder, cancellation).ConfigureAwait(false);
                return;
            }
            catch (Exception fault) when (fault is HttpRequestException or InvalidDataException or OperationCanceledException)
            {
                cancellation.ThrowIfCancellationRequested();
                faults.Add($"{address.Host}: {fault.Message.TrimEnd('.')}");
                _mirror = (_mirror + 1) % mirrors.Count;
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // The disk is at fault, not the mirror: bytes arrived, and the folder could not store them.
                throw new DownloadUnavailableException(
                    $"{file.Name} cannot be stored in {folder}: {DiskFault.Describe(fault)} "
                    + $"Make the folder writable and leave {Megabytes(file)} MB free, or put the published files there.");
            }
        }

        throw new DownloadUnavailableException(
            $"{file.Name} is not in {folder} and could not be downloaded ({string.Join("; ", faults)}). "
            + "Connect to the network, or put the published files in that folder.");
    }

    private static string Megabytes(PublishedFile file) => (file.Length / 1e6).ToString("0.0", CultureInfo.InvariantCulture);

    private async Task FetchFromAsync(Uri address, PublishedFile file, string folder, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await OfNetwork(
            () => client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellation)).ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        Directory.CreateDirectory(folder);
        DurableFile.DeletePartial(folder);
        DurableFile.Write(
            Path.Combine(folder, file.Name),
            target => CopyCheckedAsync(response, target, file, cancellation).GetAwaiter().GetResult());
    }

    private async Task CopyCheckedAsync(
        HttpResponseMessage response, Stream target, PublishedFile file, CancellationToken cancellation)
    {
        using Stream source = await OfNetwork(() => response.Content.ReadAsStreamAsync(cancellation)).ConfigureAwait(false);
        using IncrementalHash hash = FileCheck.StartHash(file.Algorithm);
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
            return await OfNetwork(() => source.ReadAsync(_buffer, stalled).AsTask()).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new HttpRequestException($"no bytes for {Patience.TotalSeconds} seconds");
        }
    }

    // A broken connection is an IOException too. It is rethrown under another type, to tell it from a fault of the disk.
    private static async Task<T> OfNetwork<T>(Func<Task<T>> receive)
    {
        try
        {
            return await receive().ConfigureAwait(false);
        }
        catch (IOException fault)
        {
            throw new HttpRequestException(fault.Message, fault);
        }
    }
}
