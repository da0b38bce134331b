using System.Security.Cryptography;
using Onward.Formats;

namespace Onward.Data;

/// <summary>
/// Reads the binary version of CIFAR-10. A record is a label byte, then the red, the green and the blue plane, row by row.
/// </summary>
internal static class CifarFile
{
    private const int Side = 32;
    private const int Channels = 3;
    private const int Classes = 10;
    private const int Plane = Side * Side;
    private const int Record = 1 + (Channels * Plane);
    private const int MaximumRecords = 10_000;

    /// <summary>Names of the six files: five of training images in order, then the test images.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"];

    /// <summary>Reads the six files from a folder.</summary>
    /// <exception cref="DataException">A file is missing, unreadable or damaged.</exception>
    public static (LabelledImages Training, LabelledImages Test) ReadFolder(string folder)
    {
        byte[][] files = new byte[Names.Count][];
        for (int i = 0; i < files.Length; i++)
        {
            string path = Path.Combine(folder, Names[i]);
            files[i] = Guard(path, () =>
            {
                using FileStream stream = InputFile.Open(path);
                return ReadRecords(stream, stream.Length, path);
            });
        }

        return Join(folder, files);
    }

    /// <summary>Reads the six files from the gzip archive without unpacking it to disk.</summary>
    /// <exception cref="DataException">The archive or a file in it is missing, unreadable or damaged.</exception>
    public static (LabelledImages Training, LabelledImages Test) ReadArchive(string path) => Join(path, Guard(path, () => Unpack(path)));

    /// <summary>Computes the SHA-256 of each of the six files that a folder holds, by name.</summary>
    /// <exception cref="DataException">A file is unreadable.</exception>
    public static IReadOnlyDictionary<string, string> HashFolder(string folder)
    {
        Dictionary<string, string> found = [];
        foreach (string name in Names.Where(name => File.Exists(Path.Combine(folder, name))))
        {
            string path = Path.Combine(folder, name);
            found[name] = Guard(path, () =>
            {
                using FileStream stream = InputFile.Open(path);
                return FileCheck.Hash(stream, HashAlgorithmName.SHA256);
            });
        }

        return found;
    }

    /// <summary>Computes the SHA-256 of each of the six files that an archive holds, by name.</summary>
    /// <exception cref="DataException">The archive is unreadable or damaged.</exception>
    public static IReadOnlyDictionary<string, string> HashArchive(string path) =>
        Guard(path, () => Members(path, (archive, _, length) => Hash(archive, length)));

    private static byte[][] Unpack(string path)
    {
        Dictionary<string, byte[]> files = Members(
            path, (archive, name, length) => ReadRecords(archive, length, $"{path}, {name}"));
        string? missing = Names.FirstOrDefault(name => !files.ContainsKey(name));
        return missing is null
            ? [.. Names.Select(name => files[name])]
            : throw new DataException(
                $"{path}: no {missing} in it, or the archive ends before it, expected the six files of CIFAR-10, binary version. "
                + FileGuard.Cure);
    }

    private static Dictionary<string, T> Members<T>(string path, Func<Stream, string, long, T> read)
    {
        Dictionary<string, T> found = [];
        using FileStream file = InputFile.Open(path);
        using GzipReader gzip = new(file);
        TarArchive.Read(gzip, Names, (name, length) => found[name] = read(gzip, name, length));

        // GzipReader detects a truncated archive only at its end, which lies after the end of the tar.
        gzip.CopyTo(Stream.Null);

        return found;
    }

    private static string Hash(Stream archive, long length)
    {
        using IncrementalHash hash = FileCheck.StartHash(HashAlgorithmName.SHA256);
        byte[] part = new byte[1 << 16];
        for (long left = length; left > 0; left -= Math.Min(left, part.Length))
        {
            Span<byte> next = part.AsSpan(0, (int)Math.Min(left, part.Length));
            archive.ReadExactly(next);
            hash.AppendData(next);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static byte[] ReadRecords(Stream stream, long length, string path)
    {
        if (length == 0 || length % Record != 0 || length / Record > MaximumRecords)
        {
            throw new DataException($"{path}: {length} bytes, expected 1 to {MaximumRecords} records of {Record} bytes. {FileGuard.Cure}");
        }

        byte[] records = new byte[length];
        int read = stream.ReadAtLeast(records, records.Length, throwOnEndOfStream: false);
        if (read < records.Length)
        {
            throw new DataException($"{path}: truncated after {read} bytes, expected {length}. {FileGuard.Cure}");
        }

        for (int start = 0; start < records.Length; start += Record)
        {
            if (records[start] >= Classes)
            {
                throw new DataException(
                    $"{path}: label {start / Record} is {records[start]}, expected 0 to {Classes - 1}. {FileGuard.Cure}");
            }
        }

        return records;
    }

    // The official files all have the same length, so a shorter one was truncated at the end of a record.
    private static (LabelledImages Training, LabelledImages Test) Join(string place, byte[][] files)
    {
        int longest = files.Max(file => file.Length);
        int cut = Array.FindIndex(files, file => file.Length < longest);
        return cut < 0
            ? (Images(files[..^1]), Images(files[^1..]))
            : throw new DataException(
                $"{place}: {Names[cut]} holds {files[cut].Length / Record} images, another of the six {longest / Record}, "
                + $"expected the same number in each. {FileGuard.Cure}");
    }

    private static LabelledImages Images(byte[][] files)
    {
        int perFile = files[0].Length / Record;
        int count = files.Length * perFile;
        byte[] pixels = new byte[count * Channels * Plane];
        int[] labels = new int[count];
        for (int example = 0; example < count; example++)
        {
            ReadOnlySpan<byte> record = files[example / perFile].AsSpan(example % perFile * Record, Record);
            labels[example] = record[0];
            Interleave(record[1..], pixels.AsSpan(example * Channels * Plane, Channels * Plane));
        }

        return new LabelledImages(pixels, labels, Side, Side, Channels, Classes);
    }

    // Reorders [channel, row, column] to [row, column, channel].
    private static void Interleave(ReadOnlySpan<byte> planes, Span<byte> image)
    {
        for (int channel = 0; channel < Channels; channel++)
        {
            ReadOnlySpan<byte> plane = planes.Slice(channel * Plane, Plane);
            for (int i = 0; i < Plane; i++)
            {
                image[(i * Channels) + channel] = plane[i];
            }
        }
    }

    private static T Guard<T>(string path, Func<T> read) => FileGuard.Read(
        path,
        $"no such file, expected the six files of CIFAR-10 in that folder, or all {Names.Count} in one archive. "
        + "Add it, or name another folder.",
        read);
}
