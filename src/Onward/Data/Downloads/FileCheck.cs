using System.IO.Compression;
using System.Security.Cryptography;
using Onward.Formats;

namespace Onward.Data;

/// <summary>Result of comparing a file with the published one.</summary>
public enum FileState
{
    /// <summary>The content is the published one.</summary>
    Same,

    /// <summary>The content differs, or cannot be decompressed.</summary>
    Differs,

    /// <summary>There is no such file.</summary>
    Missing,

    /// <summary>The file is decompressed, and only the compressed file has a published checksum.</summary>
    Unknown,
}

/// <summary>A file of a data set and the result of comparing it with its published checksum.</summary>
/// <param name="Name">Published name of the file.</param>
/// <param name="State">Result of the comparison.</param>
public sealed record FileCheck(string Name, FileState State)
{
    /// <summary>Compares a file, compressed or not, with the published one. A null path means that the file is missing.</summary>
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

            // If the file was compressed again, its content may still be the published one.
            stream.Position = 0;
            using Stream plain = packed ? new GZipStream(stream, CompressionMode.Decompress) : stream;
            string checksum = Hash(plain, HashAlgorithmName.SHA256);
            return new FileCheck(file.Name, checksum == file.PlainSha256 ? FileState.Same : FileState.Differs);
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

    /// <summary>Checksum of the rest of a stream, in lower-case hexadecimal.</summary>
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

    /// <summary>Starts the computation of a checksum.</summary>
    /// <exception cref="DataException">This machine lacks OpenSSL, which .NET needs for checksums.</exception>
    internal static IncrementalHash StartHash(HashAlgorithmName algorithm) => OpenSsl.IsMissing
        ? throw new DataException(
            "files cannot be compared with their published checksums: .NET needs OpenSSL for them, and this machine has none. "
            + $"{OpenSsl.Cure}.")
        : IncrementalHash.CreateHash(algorithm);
}
