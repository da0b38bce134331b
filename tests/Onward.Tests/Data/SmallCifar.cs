using System.Formats.Tar;

namespace Onward.Tests.Data;

/// <summary>Files of CIFAR-10's format with a few random images, loose or as an archive.</summary>
internal static class SmallCifar
{
    public const int Record = 3073;
    public const string ArchiveName = "cifar-10-binary.tar.gz";

    public static readonly string[] Names =
        ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"];

    /// <summary>The six files; in file i, record r has label (2 i + r) mod 10.</summary>
    public static Dictionary<string, byte[]> Files(int records = 2)
    {
        Random random = new(7);
        Dictionary<string, byte[]> files = [];
        for (int i = 0; i < Names.Length; i++)
        {
            byte[] file = new byte[records * Record];
            random.NextBytes(file);
            for (int r = 0; r < records; r++)
            {
                file[r * Record] = (byte)(((2 * i) + r) % 10);
            }

            files[Names[i]] = file;
        }

        return files;
    }

    public static byte[] Tar(Dictionary<string, byte[]> files)
    {
        using MemoryStream archive = new();
        using (TarWriter writer = new(archive, TarEntryFormat.Ustar, leaveOpen: true))
        {
            writer.WriteEntry(
                new UstarTarEntry(TarEntryType.Directory, "cifar-10-batches-bin/") { ModificationTime = DateTimeOffset.UnixEpoch });
            foreach ((string name, byte[] content) in files)
            {
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"cifar-10-batches-bin/{name}")
                {
                    DataStream = new MemoryStream(content),
                    ModificationTime = DateTimeOffset.UnixEpoch,
                });
            }
        }

        return archive.ToArray();
    }

    public static byte[] Archive(Dictionary<string, byte[]> files) => TemporaryFolder.Gzip(Tar(files));
}
