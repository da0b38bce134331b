using System.Buffers.Binary;
using Onward.Data;

namespace Onward.Tests.Data;

public sealed class StoredImagesTests : IDisposable
{
    private const int Count = 1500;

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Images_on_disk_are_those_in_memory_with_the_same_checksum()
    {
        byte[] pixels = Pixels();
        int[] labels = Labels();
        ImageSet stored = IdxFile.Read(_folder.Write("images", Idx(pixels)), _folder.Write("labels", IdxLabels(labels)), 10);
        LabelledImages held = new(pixels, labels, 28, 28, 1, 10);

        Assert.Equal(pixels, PixelsOf(stored));
        Assert.Equal(held.Checksum, stored.Checksum);
        (ImageSet first, ImageSet last) = stored.SplitLast(7);
        (ImageSet heldFirst, ImageSet heldLast) = held.SplitLast(7);
        Assert.Equal(PixelsOf(heldLast), PixelsOf(last));
        Assert.Equal((heldFirst.Checksum, heldLast.Checksum), (first.Checksum, last.Checksum));
        Assert.Equal(held.HoldOut(100, 3).HeldOut.Checksum, stored.HoldOut(100, 3).HeldOut.Checksum);
    }

    [Fact]
    public async Task Many_threads_read_at_once()
    {
        byte[] pixels = Pixels();
        ImageSet stored = IdxFile.Read(_folder.Write("images", Idx(pixels)), _folder.Write("labels", IdxLabels(Labels())), 10);

        byte[][] read = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => PixelsOf(stored))));

        Assert.All(read, one => Assert.Equal(pixels, one));
    }

    [Theory]
    [InlineData(-1, "truncated after 1175999 values, expected 1176000")]
    [InlineData(1, "more bytes follow the 1176000 values")]
    public void A_large_file_of_another_length_than_it_declares_is_told(int change, string expected)
    {
        byte[] file = Idx(Pixels());
        Array.Resize(ref file, file.Length + change);
        string images = _folder.Write("images", file), labels = _folder.Write("labels", IdxLabels(Labels()));

        string message = Assert.Throws<DataException>(() => IdxFile.Read(images, labels, 10)).Message;

        Assert.StartsWith($"{images}: {expected}", message);
    }

    [Fact]
    public void A_file_that_becomes_shorter_is_told_when_it_is_read()
    {
        string images = _folder.Write("images", Idx(Pixels()));
        ImageSet stored = IdxFile.Read(images, _folder.Write("labels", IdxLabels(Labels())), 10);
        using (FileStream file = new(images, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(1000);
        }

        string message = Assert.Throws<DataException>(() => stored.TryRead(Count - 1, new RawImage())).Message;

        Assert.StartsWith($"{images}: the file became shorter while it was read.", message);
    }

    [Fact]
    public void A_copy_of_a_gzip_file_is_made_once_and_again_when_it_is_damaged()
    {
        byte[] plain = Idx(Pixels());
        string packed = _folder.Write("images.gz", TemporaryFolder.Gzip(plain)), cache = _folder["cache"];

        Assert.Equal(plain, Unpacked(packed, cache));
        string copy = Assert.Single(Directory.GetFiles(cache));
        DateTime made = File.GetLastWriteTimeUtc(copy);
        Assert.Equal(plain, Unpacked(packed, cache));
        Assert.Equal(made, File.GetLastWriteTimeUtc(copy));

        File.WriteAllBytes(copy, [.. plain[..^1], (byte)(plain[^1] + 1)]);
        Assert.Equal(plain, Unpacked(packed, cache));
        Assert.Equal(plain, File.ReadAllBytes(copy));
    }

    [Fact]
    public void No_copy_is_made_of_small_or_damaged_files_or_where_none_can_be_written()
    {
        byte[] plain = Idx(Pixels()), packed = TemporaryFolder.Gzip(plain), damaged = [.. packed];
        damaged[packed.Length / 2] ^= 1;
        byte[] twoMembers = [.. packed, .. packed];

        Assert.Null(Unpacked(_folder.Write("small.gz", TemporaryFolder.Gzip(plain[..1000])), _folder["cache"]));
        Assert.Null(Unpacked(_folder.Write("damaged.gz", damaged), _folder["cache"]));
        Assert.Null(Unpacked(_folder.Write("two.gz", twoMembers), _folder["cache"]));
        Assert.Null(Unpacked(_folder.Write("images.gz", packed), _folder.Write("file", []) + "/cache"));
        Assert.Empty(Directory.GetFiles(_folder["cache"]));
    }

    public void Dispose() => _folder.Dispose();

    internal static byte[] PixelsOf(ImageSet images)
    {
        RawImage image = new();
        byte[] pixels = new byte[images.Count * images.ImageLength];
        for (int example = 0; example < images.Count; example++)
        {
            Assert.True(images.TryRead(example, image));
            image.Pixels.CopyTo(pixels.AsSpan(example * images.ImageLength));
        }

        return pixels;
    }

    private static byte[]? Unpacked(string path, string cache)
    {
        using FileStream gzip = File.OpenRead(path);
        using FileStream? copy = UnpackedFile.Open(gzip, cache);
        Assert.Equal(0, gzip.Position);
        if (copy is null)
        {
            return null;
        }

        byte[] content = new byte[copy.Length];
        copy.ReadExactly(content);
        return content;
    }

    private static byte[] Pixels()
    {
        byte[] pixels = new byte[Count * 28 * 28];
        new Random(1).NextBytes(pixels);
        return pixels;
    }

    private static int[] Labels() => [.. Enumerable.Range(0, Count).Select(n => n % 10)];

    private static byte[] Idx(byte[] pixels) => [.. Header(0x803, Count, 28, 28), .. pixels];

    private static byte[] IdxLabels(int[] labels) => [.. Header(0x801, Count), .. labels.Select(label => (byte)label)];

    private static byte[] Header(params int[] numbers)
    {
        byte[] header = new byte[4 * numbers.Length];
        foreach ((int i, int number) in numbers.Index())
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 * i), number);
        }

        return header;
    }
}
