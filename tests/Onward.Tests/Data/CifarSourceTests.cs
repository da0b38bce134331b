using System.Formats.Tar;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Onward.Data;

namespace Onward.Tests.Data;

public sealed class CifarSourceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("cifar-10/")]
    [InlineData("cifar-10-batches-bin/")]
    [InlineData("cifar-10/cifar-10-batches-bin/")]
    public void Loose_files_and_archive_hold_the_same_images_in_every_usual_folder(string prefix)
    {
        Dictionary<string, byte[]> files = SmallCifar.Files();
        WriteLoose($"loose/{prefix}", files);
        _folder.Write($"packed/{prefix}{SmallCifar.ArchiveName}", SmallCifar.Archive(files));

        ImageDataset loose = Load(_folder["loose"]);
        ImageDataset packed = Load(_folder["packed"]);

        Assert.Equal(
            (10, 2, 32, 32, 3, 10),
            (loose.Training.Count, loose.Test.Count, loose.Test.Height, loose.Test.Width, loose.Test.Channels, loose.Test.Classes));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], loose.Training.Labels.ToArray());
        Assert.Equal([0, 1], loose.Test.Labels.ToArray());
        Assert.Equal([.. files.Values.Take(5).SelectMany(file => file)], Records(loose.Training));
        Assert.Equal(Records(loose.Training), Records(packed.Training));
        Assert.Equal(Records(loose.Test), Records(packed.Test));
        Assert.Equal("truck", packed.ClassNames[9]);
    }

    [Fact]
    public void The_archive_itself_may_be_named() =>
        Assert.Equal(10, Load(_folder.Write("mine.tgz", SmallCifar.Archive(SmallCifar.Files()))).Training.Count);

    [Fact]
    public void The_data_root_goes_before_the_cache()
    {
        _folder.Write($"root/cifar-10/{SmallCifar.ArchiveName}", SmallCifar.Archive(SmallCifar.Files()));
        WriteLoose("cache/", SmallCifar.Files());

        Assert.StartsWith(_folder["root"], Source(_folder["root"]).Load(null, null, Token).Source);
        Assert.Equal(_folder["cache"], Source(null).Load(null, null, Token).Source);
    }

    [Fact]
    public void A_truncated_archive_is_told()
    {
        byte[] archive = SmallCifar.Archive(SmallCifar.Files());
        foreach (int length in new[] { 1, 15, archive.Length / 3, archive.Length - 200 })
        {
            AssertDamaged(_folder.Write(SmallCifar.ArchiveName, archive[..length]), "intact copy");
        }
    }

    // Behind the images stand the end of the tar, the end of the packed data, and eight bytes of checksum and length.
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(100)]
    public void An_archive_that_lost_its_last_bytes_is_refused_even_if_it_holds_every_image(int cut)
    {
        byte[] archive = SmallCifar.Archive(SmallCifar.Files());
        string path = _folder.Write(SmallCifar.ArchiveName, archive[..^cut]);

        AssertDamaged(path, "intact copy");
        Assert.Throws<DataException>(() => Source(null).Verify(path));
    }

    [Fact]
    public void Bytes_that_are_no_gzip_or_no_tar_are_told()
    {
        AssertDamaged(_folder.Write("plain.tar.gz", SmallCifar.Tar(SmallCifar.Files())), "corrupt or truncated");
        AssertDamaged(_folder.Write("noise.tar.gz", TemporaryFolder.Gzip([.. Enumerable.Repeat((byte)77, 2000)])), "intact copy");
        AssertDamaged(_folder.Write("empty.tar.gz", []), "intact copy");
    }

    [Fact]
    public void A_missing_member_is_named()
    {
        Dictionary<string, byte[]> files = SmallCifar.Files();
        files.Remove("data_batch_4.bin");

        AssertDamaged(_folder.Write(SmallCifar.ArchiveName, SmallCifar.Archive(files)), "no data_batch_4.bin in it");
    }

    [Theory]
    [InlineData(0, "0 bytes, expected 1 to 10000 records of 3073 bytes")]
    [InlineData(3074, "3074 bytes, expected")]
    [InlineData(3073, "data_batch_2.bin holds 1 images, another of the six 2")]
    [InlineData(10_001 * 3073, "expected 1 to 10000 records")]
    public void A_file_of_a_wrong_length_is_told_loose_or_packed(int length, string expected)
    {
        Dictionary<string, byte[]> files = SmallCifar.Files();
        files["data_batch_2.bin"] = new byte[length];
        WriteLoose("", files);
        string archive = _folder.Write("packed/all.tar.gz", SmallCifar.Archive(files));

        AssertDamaged(_folder.Path, expected);
        AssertDamaged(archive, expected);
        AssertDamaged(archive, "data_batch_2.bin");
    }

    [Fact]
    public void A_label_above_9_is_told_with_its_place()
    {
        Dictionary<string, byte[]> files = SmallCifar.Files();
        files["test_batch.bin"][SmallCifar.Record] = 10;
        WriteLoose("", files);

        AssertDamaged(_folder.Path, "test_batch.bin: label 1 is 10, expected 0 to 9");
    }

    [Fact]
    public void Folders_without_the_files_are_told()
    {
        Directory.CreateDirectory(_folder["empty"]);
        _folder.Write("other/notes.txt", [1]);

        AssertDamaged(_folder["empty"], "data_batch_1.bin: no such file");
        AssertDamaged(_folder["other"], "data_batch_1.bin: no such file");
    }

    [Fact]
    public void A_directory_in_place_of_a_file_is_told()
    {
        WriteLoose("", SmallCifar.Files());
        File.Delete(_folder["data_batch_3.bin"]);
        Directory.CreateDirectory(_folder["data_batch_3.bin"]);

        AssertDamaged(_folder.Path, "data_batch_3.bin: access denied, or not a file");
    }

    [Fact]
    public void Random_damage_reads_or_is_told_and_takes_little_memory()
    {
        Random random = new(11);
        byte[] tar = SmallCifar.Tar(SmallCifar.Files(1));
        byte[] gzip = TemporaryFolder.Gzip(tar);
        int read = 0;
        for (int trial = 0; trial < 1_000; trial++)
        {
            byte[] damaged = trial % 2 == 0 ? Damage(gzip, random) : TemporaryFolder.Gzip(Damage(tar, random));
            string path = _folder.Write("damaged.tar.gz", damaged);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Load(path);
                read++;
            }
            catch (DataException fault)
            {
                Assert.StartsWith(path, fault.Message);
                Assert.DoesNotContain('\n', fault.Message);
            }

            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 64 << 20, $"Trial {trial} took too much memory.");
        }

        Assert.InRange(read, 1, 999);
    }

    [Theory]
    [InlineData('L', 0x7fffff00)]
    [InlineData('x', 0x62000000)]
    [InlineData('5', 0x62000000)]
    [InlineData('S', 0)]
    public void A_header_in_an_archive_that_claims_too_much_takes_little_memory(char type, int size)
    {
        const int SizeField = 124, ChecksumField = 148, TypeField = 156, Header = 512;
        byte[] tar = SmallCifar.Tar(SmallCifar.Files(1));
        tar[TypeField] = (byte)type;
        Encoding.ASCII.GetBytes(Convert.ToString(size, 8).PadLeft(11, '0'), tar.AsSpan(SizeField));
        tar.AsSpan(ChecksumField, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(
            Convert.ToString(tar.Take(Header).Sum(value => value), 8).PadLeft(6, '0') + "\0 ", tar.AsSpan(ChecksumField));
        string archive = _folder.Write("odd.tar.gz", TemporaryFolder.Gzip(tar));
        long before = GC.GetAllocatedBytesForCurrentThread();

        if (type is 'L' or 'x')
        {
            AssertDamaged(archive, "corrupt or truncated, or not a gzip file");
        }
        else
        {
            Assert.Equal(5, Load(archive).Training.Count);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(TarEntryFormat.Gnu)]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.V7)]
    [InlineData(TarEntryFormat.Ustar)]
    public void An_archive_packed_anew_is_read_whatever_its_format(TarEntryFormat format)
    {
        string folder = format is TarEntryFormat.Gnu or TarEntryFormat.Pax
            ? string.Concat(Enumerable.Repeat("a folder of a long name/", 12))
            : "./";
        using MemoryStream tar = new();
        using (TarWriter writer = new(tar, format, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in SmallCifar.Files())
            {
                _folder.Write(name, content);
                writer.WriteEntry(_folder[name], folder + name);
            }
        }

        string archive = _folder.Write("packed/all.tar.gz", TemporaryFolder.Gzip(tar.ToArray()));

        Assert.Equal(Records(Load(_folder.Path).Training), Records(Load(archive).Training));
        Assert.Equal(Source(null).Verify(_folder.Path), Source(null).Verify(archive));
    }

    [Fact]
    public void No_name_from_within_an_archive_stands_in_a_message()
    {
        byte[] tar = SmallCifar.Tar(SmallCifar.Files(1));
        int header = tar.AsSpan().IndexOf("cifar-10-batches-bin/data_batch_1"u8), sum = header + 148;
        tar[header] = (byte)'\n';
        tar.AsSpan(sum, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(
            Convert.ToString(tar.AsSpan(header, 512).ToArray().Sum(value => value), 8).PadLeft(6, '0') + "\0 ", tar.AsSpan(sum));

        AssertDamaged(
            _folder.Write("cut.tar.gz", TemporaryFolder.Gzip(tar[..(header + 1000)])),
            "cut.tar.gz, data_batch_1.bin: truncated after 488 bytes");
    }

    [Fact]
    public void An_archive_with_another_checksum_is_refused_and_nothing_is_left()
    {
        FakeMirrors mirrors = new(_ => FakeMirrors.Bytes(new byte[70_000]));
        CifarSource source = new() { DataRoot = null, CacheDirectory = _folder["cache"], Handler = mirrors };

        DownloadUnavailableException fault = Assert.Throws<DownloadUnavailableException>(() => source.Load(null, null, Token));

        Assert.Contains("ended after 70000 bytes, expected 170052171", fault.Message);
        Assert.Equal("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", Assert.Single(mirrors.Requests).AbsoluteUri);
        Assert.Empty(Directory.GetFiles(_folder["cache"]));
        Assert.Throws<DownloadUnavailableException>(() => new CifarSource
        {
            DataRoot = null,
            CacheDirectory = _folder["cache"],
            Handler = new FakeMirrors(_ => new HttpResponseMessage(HttpStatusCode.NotFound)),
        }.Load(null, null, Token));
    }

    [Fact]
    public void The_real_images_give_back_the_six_files_byte_for_byte()
    {
        string[] expected =
        [
            "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
        ];

        ImageDataset cifar = Load(RealData.FolderOrSkip("cifar-10", SmallCifar.ArchiveName));

        byte[] records = [.. Records(cifar.Training), .. Records(cifar.Test)];
        Assert.Equal(expected, records.Chunk(10_000 * SmallCifar.Record).Select(file => Convert.ToHexStringLower(SHA256.HashData(file))));
        Assert.Equal([1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981], Counts(cifar.Training.Take(10_000)));
        Assert.All(Counts(cifar.Training), count => Assert.Equal(5_000, count));
        Assert.All(Counts(cifar.Test), count => Assert.Equal(1_000, count));
    }

    public void Dispose() => _folder.Dispose();

    private static byte[] Damage(byte[] intact, Random random)
    {
        byte[] damaged = intact[..(random.Next(4) == 0 ? random.Next(1, intact.Length) : intact.Length)];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            // Headers are small beside the pixels: half of the damage goes to the start.
            damaged[random.Next(random.Next(2) == 0 ? Math.Min(1024, damaged.Length) : damaged.Length)] = (byte)random.Next(256);
        }

        return damaged;
    }

    // Back to the format of the files, by its definition.
    private static byte[] Records(ImageSet images)
    {
        byte[] records = new byte[images.Count * SmallCifar.Record];
        byte[] pixels = StoredImagesTests.PixelsOf(images);
        for (int example = 0; example < images.Count; example++)
        {
            int start = example * SmallCifar.Record;
            records[start] = (byte)images.Labels.Span[example];
            for (int i = 0; i < 3072; i++)
            {
                records[start + 1 + i] = pixels[(example * 3072) + (i % 1024 * 3) + (i / 1024)];
            }
        }

        return records;
    }

    private static int[] Counts(ImageSet images) =>
        [.. images.Labels.ToArray().CountBy(label => label).OrderBy(pair => pair.Key).Select(pair => pair.Value)];

    private void AssertDamaged(string place, string expected)
    {
        DataException fault = Assert.Throws<DataException>(() => Load(place));
        Assert.StartsWith(place, fault.Message);
        Assert.Contains(expected, fault.Message);
        Assert.DoesNotContain('\n', fault.Message);
    }

    private void WriteLoose(string prefix, Dictionary<string, byte[]> files)
    {
        foreach ((string name, byte[] content) in files)
        {
            _folder.Write(prefix + name, content);
        }
    }

    private ImageDataset Load(string place) => Source(null).Load(place, null, Token);

    private CifarSource Source(string? root) => new() { DataRoot = root, CacheDirectory = _folder["cache"], Mirrors = [] };
}
