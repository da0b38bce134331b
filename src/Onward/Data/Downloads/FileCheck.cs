using System.IO.Compression;
using System.Security.Cryptography;
using Onward.Formats;

namespace Onward.Data;

/// <summary>How a file compares with the one its authors published.</summary>
public enum FileState
{
    /// <summary>The bytes are the published ones.</summary>
    Same,

    /// <summary>The bytes differ, or cannot be unpacked.</summary>
    Differs,

    /// <summary>There is no such file.</summary>
    Missing,

    /// <summary>The file is unpacked, and only the packed one has a published checksum.</summary>
    Unknown,
}

/// <summary>A file of a data set beside its published checksum.</summary>
/// <param name="Name">Its published name.</param>
/// <param name="State">How it compares.</param>
public sealed record FileCheck(string Name, FileState State)
{
    /// <summary>Compares a file, packed or not, with the published one.</summary>
    /// <exception cref="DataException">The file cannot be read.</exception>
    internal static FileCheck Of(PublishedFile file, string? path)
    {
        if (path is null)
        {
            return new FileCheck(file.Name, FileState.Missing);
        }

        try
        {
            using FileStream stream = InputFile.Open(path);
            if (Hash(stream, file.Algorithm) == file.Checksum)
            {
                return new FileCheck(file.Name, FileState.Same);
            }

            bool packed = path.EndsWith(".gz", StringComparison.Ordinal);
            if (file.PlainSha256 is null)
            {
                return new FileCheck(file.Name, packed ? FileState.Differs : FileState.Unknown);
            }

            // Packed anew, the content may still be the same.
            stream.Position = 0;
            using Stream plain = packed ? new GZipStream(stream, CompressionMode.Decompress) : stream;
            return new FileCheck(file.Name, Hash(plain, HashAlgorithmName.SHA256) == file.PlainSha256 ? FileState.Same : FileState.Differs);
        }
        catch (InvalidDataException)
        {
            return new FileCheck(file.Name, FileState.Differs);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {fault.Message} Check its permissions and the disk.", fault);
        }
    }

    /// <summary>The checksum of all that a stream still holds, in lower-case hexadecimal.</summary>
    internal static string Hash(Stream stream, HashAlgorithmName algorithm)
    {
        using IncrementalHash hash = StartHash(algorithm);
        byte[] buffer = new byte[1 << 16];
        for (int read = stream.Read(buffer); read > 0; read = stream.Read(buffer))
        {
            hash.AppendData(buffer, 0, read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Starts a checksum such as authors publish.</summary>
    /// <exception cref="DataException">This machine lacks OpenSSL, which .NET takes such checksums from.</exception>
    internal static IncrementalHash StartHash(HashAlgorithmName algorithm) => OpenSsl.IsMissing
        ? throw new DataException(
            $"files cannot be compared with their published checksums, which .NET takes from OpenSSL: this machine has none. {OpenSsl.Cure}.")
        : IncrementalHash.CreateHash(algorithm);
}
