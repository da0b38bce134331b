using Onward.Data;

namespace Onward.Tests.Data;

public sealed class IdxFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<byte[], string> DamagedImages => new()
    {
        { TemporaryFolder.Labels(1, 2, 3), "magic number 0x00000801, expected 0x00000803 or 0x00000804. Images and labels may be swapped" },
        { [1, 2, 3, 4], "magic number 0x01020304" },
        { [], "truncated header of 0 bytes, expected 16" },
        { TemporaryFolder.Images(3)[..9], "truncated header of 9 bytes, expected 16" },
        { TemporaryFolder.Images(3)[..20], "truncated after 4 values, expected 18" },
        { [.. TemporaryFolder.Images(3), 0], "more bytes follow the 18 values" },
        { TemporaryFolder.Gzip([.. TemporaryFolder.Images(3), 0]), "more bytes follow the 18 values" },
        { TemporaryFolder.Gzip(TemporaryFolder.Images(3)[..20]), "truncated after 4 values, expected 18" },
        { TemporaryFolder.Gzip(TemporaryFolder.Images(3))[..^12], "truncated after 15 values, expected 18" },
        { FlipChecksum(TemporaryFolder.Gzip(TemporaryFolder.Images(3))), "corrupt or truncated, or not a gzip file" },
        { [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff], "corrupt or truncated, or not a gzip file" },
        { TemporaryFolder.Header(0x803, 0, 2, 3, 0), "size 1 of 3 is 0, expected 1 or more examples" },
        { TemporaryFolder.Header(0x803, 3, 0, 3, 0), "size 2 of 3 is 0, expected 1 to 4096" },
        { TemporaryFolder.Header(0x803, 3, 2, 5000, 0), "size 3 of 3 is 5000, expected 1 to 4096" },
        { TemporaryFolder.Header(0x803, -1, 28, 28, 0), "size 1 of 3 is 4294967295" },
        { TemporaryFolder.Header(0x803, int.MaxValue / 16, 4, 5, 0), "size 3 of 3 is 5" },
        { TemporaryFolder.Header(0x803, 500_000, 64, 64, 9), "truncated after 9 values, expected 2048000000" },
        { TemporaryFolder.Colours(3, 3)[..16], "truncated header of 16 bytes, expected 20" },
        { TemporaryFolder.Colours(3, 3)[..24], "truncated after 4 values, expected 54" },
        { [.. TemporaryFolder.Colours(3, 3), 0], "more bytes follow the 54 values" },
        { TemporaryFolder.Colours(3, 0), "size 4 of 4 is 0, expected 1 or 3 channels" },
        { TemporaryFolder.Colours(3, 2), "size 4 of 4 is 2, expected 1 or 3 channels" },
        { TemporaryFolder.Colours(3, 4), "size 4 of 4 is 4, expected 1 or 3 channels" },
        {
            TemporaryFolder.Header(0x805, 3, 2, 3, 40),
            "magic number 0x00000805, expected 0x00000803 or 0x00000804. This is not an IDX file"
        },
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Images_and_labels_come_back_as_written(bool gzip)
    {
        Func<byte[], byte[]> pack = gzip ? TemporaryFolder.Gzip : plain => plain;
        string images = _folder.Write("images", pack(TemporaryFolder.Images(3)));
        string labels = _folder.Write("labels", pack(TemporaryFolder.Labels(0, 9, 4)));

        ImageSet read = IdxFile.Read(images, labels, 10);

        Assert.Equal((3, 2, 3, 1, 10), (read.Count, read.Height, read.Width, read.Channels, read.Classes));
        Assert.Equal(TemporaryFolder.Images(3)[16..], StoredImagesTests.PixelsOf(read));
        Assert.Equal([0, 9, 4], read.Labels.ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Images_with_channels_come_back_pixel_by_pixel(int channels)
    {
        string images = _folder.Write("images", TemporaryFolder.Colours(2, channels));
        string labels = _folder.Write("labels", TemporaryFolder.Labels(0, 9));

        ImageSet read = IdxFile.Read(images, labels, 10);

        Assert.Equal((2, 2, 3, channels), (read.Count, read.Height, read.Width, read.Channels));
        RawImage second = new();
        read.Read(1, second);
        for (int row = 0, i = 6 * channels; row < 2; row++)
        {
            for (int column = 0; column < 3; column++)
            {
                for (int channel = 0; channel < channels; channel++, i++)
                {
                    Assert.Equal((byte)(7 * i), second.Pixels[(((row * 3) + column) * channels) + channel]);
                }
            }
        }
    }

    [Fact]
    public void Images_with_channels_in_place_of_labels_are_told() =>
        AssertFault(
            _folder.Write("images", TemporaryFolder.Images(3)),
            _folder.Write("labels", TemporaryFolder.Colours(3, 3)),
            _folder["labels"],
            "magic number 0x00000804, expected 0x00000801. Images and labels may be swapped");

    [Theory]
    [MemberData(nameof(DamagedImages), DisableDiscoveryEnumeration = true)]
    public void Damage_is_told_in_one_line_with_the_path(byte[] content, string expected)
    {
        string images = _folder.Write("images", content);
        string labels = _folder.Write("labels", TemporaryFolder.Labels(1, 2, 3));

        AssertFault(images, labels, images, expected);
    }

    [Fact]
    public void As_many_labels_as_images_are_asked_for()
    {
        string images = _folder.Write("images", TemporaryFolder.Images(3));
        string labels = _folder.Write("labels", TemporaryFolder.Labels(1, 2));

        AssertFault(images, labels, labels, $"2 labels, expected 3, one for each image of {images}");
    }

    [Fact]
    public void A_label_beyond_the_classes_is_named()
    {
        string images = _folder.Write("images", TemporaryFolder.Images(3));
        string labels = _folder.Write("labels", TemporaryFolder.Labels(1, 10, 2));

        AssertFault(images, labels, labels, "label 1 is 10, expected 0 to 9");
    }

    [Fact]
    public void A_missing_file_and_a_missing_folder_are_named()
    {
        AssertFault(_folder["absent"], _folder["labels"], _folder["absent"], "no such file");
        AssertFault(_folder["absent/images"], _folder["labels"], _folder["absent/images"], "no such file");
    }

    [Fact]
    public void A_folder_in_place_of_a_file_is_told() =>
        AssertFault(_folder.Path, _folder.Path, _folder.Path, "access denied, or not a file");

    [Fact]
    public void A_file_without_permission_is_told()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "This user may read every file.");
        string images = _folder.Write("images", TemporaryFolder.Images(3));
#pragma warning disable CA1416 // skipped on Windows above
        File.SetUnixFileMode(images, UnixFileMode.None);
#pragma warning restore CA1416

        AssertFault(images, images, images, "access denied");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_header_that_claims_too_much_takes_little_memory(bool gzip)
    {
        byte[] claim = TemporaryFolder.Header(0x803, 500_000, 64, 64, 9);
        string images = _folder.Write("images", gzip ? TemporaryFolder.Gzip(claim) : claim);
        long before = GC.GetAllocatedBytesForCurrentThread();

        AssertFault(images, images, images, "truncated after 9 values");

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    public void Dispose() => _folder.Dispose();

    private static void AssertFault(string images, string labels, string path, string expected)
    {
        DataException fault = Assert.Throws<DataException>(() => IdxFile.Read(images, labels, 10));

        Assert.StartsWith(path + ": ", fault.Message);
        Assert.Contains(expected, fault.Message);
        Assert.DoesNotContain('\n', fault.Message);
    }

    private static byte[] FlipChecksum(byte[] gzip)
    {
        gzip[^8] ^= 1;
        return gzip;
    }
}
