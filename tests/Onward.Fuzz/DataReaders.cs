using System.Text;
using Onward.Data;
using Onward.Tests.Data;

namespace Onward.Fuzz;

/// <summary>The readers of data sets: IDX and CIFAR-10, plain and compressed.</summary>
internal static class DataReaders
{
    private static readonly Mutation Bytes = ByteMutation.Apply;

    /// <summary>Creates all readers.</summary>
    internal static IEnumerable<Reader> All()
    {
        byte[] grey = TemporaryFolder.Images(3), colour = TemporaryFolder.Colours(3, 3), small = TemporaryFolder.Images(2, 5, 5);
        byte[] labels = TemporaryFolder.Labels(1, 0, 2);
        yield return Idx(
            "idx",
            28,
            [
                IdxFolder("", grey, labels, plain => plain, Bytes),
                IdxFolder("", colour, labels, plain => plain, Bytes),
                IdxFolder("", small, TemporaryFolder.Labels(9, 255), plain => plain, Bytes),
            ]);
        yield return Idx(
            "idx-gzip",
            14,
            [
                IdxFolder(".gz", grey, labels, TemporaryFolder.Gzip, ArchiveMutation.Gzip(Bytes)),
                IdxFolder(".gz", colour, labels, TemporaryFolder.Gzip, ArchiveMutation.Gzip(Bytes)),
            ]);

        Dictionary<string, byte[]> cifar = SmallCifar.Files(records: 1);
        yield return Cifar("cifar", 8, [[.. cifar.Select(file => new SeedFile(file.Key, file.Value, Bytes))]]);

        // Constant data compresses quickly.
        Dictionary<string, byte[]> even = cifar.ToDictionary(file => file.Key, file => new byte[SmallCifar.Record]);
        yield return Cifar(
            "cifar-archive",
            8,
            [[new SeedFile(SmallCifar.ArchiveName, SmallCifar.Archive(even), ArchiveMutation.Gzip(ArchiveMutation.Tar))]]);
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("naïve 😀\r\n", 20)));
        yield return new Reader(
            "text",
            8,
            [[new SeedFile("text.txt", text, Bytes)], [new SeedFile("text.txt", [.. Encoding.UTF8.Preamble, .. text], Bytes)]],
            (folder, _) => Load(() => TextFiles.Load(Path.Combine(folder, "text.txt"), context: 4)));
    }

    private static SeedFile[] IdxFolder(string ending, byte[] images, byte[] labels, Func<byte[], byte[]> pack, Mutation mutate) =>
    [
        new($"train-images-idx3-ubyte{ending}", pack(images), mutate),
        new($"train-labels-idx1-ubyte{ending}", pack(labels), mutate),
        new($"t10k-images-idx3-ubyte{ending}", pack(images), mutate),
        new($"t10k-labels-idx1-ubyte{ending}", pack(labels), mutate),
    ];

    private static Reader Idx(string name, int share, IReadOnlyList<IReadOnlyList<SeedFile>> seeds) =>
        new(name, share, seeds, (folder, _) => Load(() => Onward.Data.IdxFolder.Load(folder)));

    private static Reader Cifar(string name, int share, IReadOnlyList<IReadOnlyList<SeedFile>> seeds)
    {
        CifarSource source = new() { DataRoot = null, Mirrors = [] };
        return new Reader(name, share, seeds, (folder, _) => Load(() => source.Load(folder)) ?? Verify(source, folder));
    }

    private static string? Load(Func<ImageDataset> load)
    {
        ImageDataset data;
        try
        {
            data = load();
        }
        catch (DataException fault)
        {
            return fault.Message;
        }

        RawImage image = new();
        foreach (ImageSet set in new[] { data.Training, data.Test })
        {
            Require(set.Count > 0 && set.Classes == data.Training.Classes, "no images, or another number of classes");
            foreach (int label in set.Labels.Span)
            {
                Require(label >= 0 && label < set.Classes, $"label {label} of {set.Classes} classes");
            }

            if (set is TextSet windows)
            {
                Require(windows.CountLabels().Sum() == windows.Count * windows.Context, "a window lacks a label");
                continue;
            }

            Require(
                set.TryRead(set.Count - 1, image) && image.Pixels.Length == set.Height * set.Width * set.Channels,
                "the last image has another size");
        }

        Require(
            data.Mean.Length == data.Training.Channels && data.Mean.All(float.IsFinite)
                && data.StandardDeviation.All(one => one > 0 && float.IsFinite(one)),
            "the statistics are not finite numbers");
        return null;
    }

    // The command data verify reads the same files by another path through the code.
    private static string? Verify(CifarSource source, string folder)
    {
        try
        {
            source.Verify(folder);
            return null;
        }
        catch (DataException fault)
        {
            return fault.Message;
        }
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new InconsistentException(otherwise);
        }
    }
}
