using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using Onward.Formats;

namespace Onward.Data;

/// <summary>Plain copies of large gzip files in the user's cache folder, so that images can be read where they lie.</summary>
/// <remarks>
/// A gzip file ends with the CRC-32 and the length of its content (RFC 1952). They name the copy, and the copy is compared with them each
/// time it is opened. A copy may be deleted at any time; the next run makes it again.
/// </remarks>
internal static class UnpackedFile
{
    /// <summary>Smallest content that a copy is kept of, in bytes. Smaller content costs little memory.</summary>
    internal const int SmallestKept = 1 << 20;

    private const int TrailerLength = 8;

    /// <summary>Opens the copy of a gzip file, and makes it first if there is none.</summary>
    /// <param name="gzip">The gzip file, at its start and left there.</param>
    /// <param name="folder">The folder of the copies; null for the user's.</param>
    /// <returns>
    /// The copy, at its start; null if the content is small, if the file has several members or is damaged, or if no copy can be written.
    /// </returns>
    internal static FileStream? Open(FileStream gzip, string? folder = null)
    {
        byte[] trailer = new byte[TrailerLength];
        if (gzip.Length < TrailerLength
            || RandomAccess.Read(gzip.SafeFileHandle, trailer, gzip.Length - TrailerLength) < TrailerLength
            || BinaryPrimitives.ReadUInt32LittleEndian(trailer.AsSpan(4)) < SmallestKept)
        {
            return null;
        }

        try
        {
            folder ??= UserCache.FolderOf("unpacked");
            string path = Path.Combine(folder, $"{Convert.ToHexStringLower(trailer)}-{gzip.Length:x}");
            if (TryOpen(path, trailer) is FileStream kept)
            {
                return kept;
            }

            Directory.CreateDirectory(folder);
            DurableFile.DeletePartial(folder);
            DurableFile.Write(path, copy => Unpack(gzip, trailer, copy));
            return TryOpen(path, trailer);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return null;
        }
        finally
        {
            gzip.Position = 0;
        }
    }

    private static void Unpack(FileStream gzip, byte[] trailer, Stream copy)
    {
        using GZipStream content = new(gzip, CompressionMode.Decompress, leaveOpen: true);
        if (!TrailerOf(content, copy).SequenceEqual(trailer))
        {
            throw new InvalidDataException("The content of a gzip file is not what its end declares.");
        }
    }

    private static FileStream? TryOpen(string path, byte[] trailer)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        FileStream copy = InputFile.Open(path, bufferSize: 1);
        if (TrailerOf(copy, Stream.Null).SequenceEqual(trailer))
        {
            copy.Position = 0;
            return copy;
        }

        copy.Dispose();
        return null;
    }

    // Copies content, and computes the end that its gzip file has.
    private static byte[] TrailerOf(Stream content, Stream copy)
    {
        Crc32 checksum = new();
        uint length = 0;
        byte[] part = new byte[1 << 16];
        while (content.Read(part) is > 0 and int read)
        {
            checksum.Append(part.AsSpan(0, read));
            copy.Write(part.AsSpan(0, read));
            length += (uint)read;
        }

        byte[] trailer = new byte[TrailerLength];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, checksum.GetCurrentHashAsUInt32());
        BinaryPrimitives.WriteUInt32LittleEndian(trailer.AsSpan(4), length);
        return trailer;
    }
}
