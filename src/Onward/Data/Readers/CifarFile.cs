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
    private const int Record = 1 + (Channels * Side * Side);
    private const int MaximumRecords = 10_000;

    /// <summary>Names of the six files: five of training images in order, then the test images.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"];

    /// <summary>Reads the six files from a folder. The images stay on disk.</summary>
    /// <exception cref="DataException">A file is missing, unreadable or damaged.</exception>
    public static (ImageSet Training, ImageSet Test) ReadFolder(string folder) =>
        Join(folder, [.. Names.Select(name => OpenFile(folder, name))]);

    /// <summary>
    /// Reads the six files from the gzip archive. The images stay on disk, in an unpacked copy of the archive if it can be written.
    /// </summary>
    /// <exception cref="DataException">The archive or a file in it is missing, unreadable or damaged.</exception>
    public static (ImageSet Training, ImageSet Test) ReadArchive(string path) => Join(path, Guard(path, () => Unpack(path)));

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

    private static StoredBytes OpenFile(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        return Guard(path, () =>
        {
            FileStream file = InputFile.Open(path);
            return Checked(new StoredBytes(path, file, 0, file.Length), path);
        });
    }

    private static StoredBytes[] Unpack(string path)
    {
        using FileStream gzip = InputFile.Open(path);
        Dictionary<string, StoredBytes> files = UnpackedFile.Open(gzip) is FileStream tar
            ? Members(path, tar)
            : Members(path, (archive, name, length) => Checked(ReadBytes(archive, length, $"{path}, {name}"), $"{path}, {name}"));
        string? missing = Names.FirstOrDefault(name => !files.ContainsKey(name));
        return missing is null
            ? [.. Names.Select(name => files[name])]
            : throw new DataException(
                $"{path}: no {missing} in it, or the archive ends before it, expected the six files of CIFAR-10, binary version. "
                + FileGuard.Cure);
    }

    private static Dictionary<string, StoredBytes> Members(string path, FileStream tar)
    {
        Dictionary<string, StoredBytes> found = [];
        TarArchive.Read(tar, Names, (name, length) =>
        {
            long start = tar.Position, end = start + length;
            tar.Position = end <= tar.Length ? end : throw new EndOfStreamException();
            found[name] = Checked(new StoredBytes(path, tar, start, length), $"{path}, {name}");
        });
        return found;
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

    private static StoredBytes ReadBytes(Stream archive, long length, string path)
    {
        RequireRecords(length, path);
        byte[] records = new byte[length];
        int read = archive.ReadAtLeast(records, records.Length, throwOnEndOfStream: false);
        return read == length
            ? new StoredBytes(records)
            : throw new DataException($"{path}: truncated after {read} bytes, expected {length}. {FileGuard.Cure}");
    }

    private static StoredBytes Checked(StoredBytes records, string path)
    {
        RequireRecords(records.Length, path);
        int[] labels = Labels(records);
        return labels.AsSpan().IndexOfAnyExceptInRange(0, Classes - 1) is >= 0 and int wrong
            ? throw new DataException($"{path}: label {wrong} is {labels[wrong]}, expected 0 to {Classes - 1}. {FileGuard.Cure}")
            : records;
    }

    private static void RequireRecords(long length, string path)
    {
        if (length == 0 || length % Record != 0 || length / Record > MaximumRecords)
        {
            throw new DataException($"{path}: {length} bytes, expected 1 to {MaximumRecords} records of {Record} bytes. {FileGuard.Cure}");
        }
    }

    private static int[] Labels(StoredBytes records)
    {
        int[] labels = new int[records.Length / Record];
        Span<byte> label = stackalloc byte[1];
        for (int i = 0; i < labels.Length; i++)
        {
            records.Read((long)i * Record, label);
            labels[i] = label[0];
        }

        return labels;
    }

    // The official files all have the same length, so a shorter one was truncated at the end of a record.
    private static (ImageSet Training, ImageSet Test) Join(string place, StoredBytes[] files)
    {
        long longest = files.Max(file => file.Length);
        int cut = Array.FindIndex(files, file => file.Length < longest);
        return cut < 0
            ? (Images(files[..^1]), Images(files[^1..]))
            : throw new DataException(
                $"{place}: {Names[cut]} holds {files[cut].Length / Record} images, another of the six {longest / Record}, "
                + $"expected the same number in each. {FileGuard.Cure}");
    }

    private static StoredImages Images(StoredBytes[] files) =>
        new(files, files.SelectMany(Labels).ToArray(), (Side, Side, Channels), Classes, header: 1, planar: true);

    private static T Guard<T>(string path, Func<T> read) => FileGuard.Read(
        path,
        $"no such file, expected the six files of CIFAR-10 in that folder, or all {Names.Count} in one archive. "
        + "Add it, or name another folder.",
        read);
}
