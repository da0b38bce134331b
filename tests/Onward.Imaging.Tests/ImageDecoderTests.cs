using System.Buffers.Binary;
using Onward.Data;
using SkiaSharp;

namespace Onward.Imaging.Tests;

public sealed class ImageDecoderTests : IDisposable
{
    private readonly ImageFiles _files = new();
    private readonly RawImage _image = new();

    [Fact]
    public void A_png_is_read_to_the_last_bit()
    {
        Read(ImageFiles.Encode(7, 5, (x, y) => new SKColor((byte)(x * 30), (byte)(y * 50), 77), SKEncodedImageFormat.Png));

        byte[] expected = [.. Enumerable.Range(0, 35).SelectMany(i => new[] { (byte)(i % 7 * 30), (byte)(i / 7 * 50), (byte)77 })];
        Assert.Equal((5, 7, 3), (_image.Height, _image.Width, _image.Channels));
        Assert.Equal(expected, _image.Pixels.ToArray());
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Webp)]
    public void A_lossy_image_is_near_what_was_written(SKEncodedImageFormat format)
    {
        Read(ImageFiles.Encode(32, 24, (x, y) => new SKColor((byte)(x * 7), (byte)(y * 9), 128), format));

        // Smooth colours at quality 95.
        Assert.Equal((24, 32), (_image.Height, _image.Width));
        Assert.All(Enumerable.Range(0, 32 * 24), i =>
        {
            Assert.InRange(_image.Pixels[3 * i], (i % 32 * 7) - 12, (i % 32 * 7) + 12);
            Assert.InRange(_image.Pixels[(3 * i) + 1], (i / 32 * 9) - 12, (i / 32 * 9) + 12);
        });
    }

    [Fact]
    public void Grey_is_widened_to_three_channels()
    {
        Read(ImageFiles.Encode(4, 4, (x, y) => Grey((16 * y) + x), SKEncodedImageFormat.Png, SKColorType.Gray8));

        byte[] expected = [.. Enumerable.Range(0, 16).SelectMany(i => Enumerable.Repeat((byte)((16 * (i / 4)) + (i % 4)), 3))];
        Assert.Equal(expected, _image.Pixels.ToArray());
    }

    [Fact]
    public void A_grey_jpeg_is_widened_too()
    {
        Read(ImageFiles.Encode(16, 16, (x, _) => Grey(16 * x), SKEncodedImageFormat.Jpeg, SKColorType.Gray8));

        // A ramp at quality 95.
        Assert.All(Enumerable.Range(0, 16 * 16 * 3), i => Assert.InRange(_image.Pixels[i], (i / 3 % 16 * 16) - 8, (i / 3 % 16 * 16) + 8));
        Assert.All(
            Enumerable.Range(0, 16 * 16),
            i => Assert.True(_image.Pixels[3 * i] == _image.Pixels[(3 * i) + 1] && _image.Pixels[3 * i] == _image.Pixels[(3 * i) + 2]));
    }

    [Fact]
    public void Sixteen_bits_of_a_png_become_eight()
    {
        Read(ImageFiles.Png(2, depth: 16, colourType: 2, [[10, 10, 128, 128, 255, 255, 0, 0, 77, 77, 200, 200]]));

        Assert.Equal([10, 128, 255, 0, 77, 200], _image.Pixels.ToArray());
    }

    [Fact]
    public void The_palette_of_a_png_is_looked_up()
    {
        (string, byte[])[] chunks = [("PLTE", [1, 2, 3, 40, 50, 60, 7, 8, 9]), ("tRNS", [255, 255, 0])];
        Read(ImageFiles.Png(3, depth: 4, colourType: 3, [[0x01, 0x20], [0x21, 0x00]], chunks));

        // The third colour of the palette is transparent.
        Assert.Equal([1, 2, 3, 40, 50, 60, 255, 255, 255, 255, 255, 255, 40, 50, 60, 1, 2, 3], _image.Pixels.ToArray());
    }

    [Fact]
    public void What_is_transparent_shows_white()
    {
        Read(ImageFiles.Encode(2, 1, (x, _) => new SKColor(100, 0, 200, (byte)(x == 0 ? 0 : 128)), SKEncodedImageFormat.Png));

        Assert.Equal([255, 255, 255, 177, 127, 227], _image.Pixels.ToArray());
    }

    // A wide image with red in its first row's first corner; the tag says where that corner belongs (EXIF 2.3, tag 274).
    [Theory]
    [InlineData(1, 16, 32, 0, 0)]
    [InlineData(2, 16, 32, 0, 31)]
    [InlineData(3, 16, 32, 15, 31)]
    [InlineData(4, 16, 32, 15, 0)]
    [InlineData(5, 32, 16, 0, 0)]
    [InlineData(6, 32, 16, 0, 15)]
    [InlineData(7, 32, 16, 31, 15)]
    [InlineData(8, 32, 16, 31, 0)]
    public void An_image_is_turned_upright(byte orientation, int height, int width, int row, int column)
    {
        byte[] jpeg = ImageFiles.Encode(32, 16, Corner, SKEncodedImageFormat.Jpeg);
        byte[] png = ImageFiles.Encode(32, 16, Corner, SKEncodedImageFormat.Png);
        byte[] big = [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
        byte[] little =
        [
            .. "II*\0"u8, 8, 0, 0, 0, 2, 0, 15, 1, 2, 0, 4, 0, 0, 0, 65, 66, 67, 0, 18, 1,
            3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0,
        ];

        Read([.. jpeg[..2], 0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. big, .. jpeg[2..]]);
        RequireRedAt(height, width, row, column);
        foreach (byte[] tiff in new[] { big, little })
        {
            byte[] chunk = ImageFiles.Chunk("eXIf", tiff);
            Read([.. png[..33], .. chunk, .. png[33..]]);
            RequireRedAt(height, width, row, column);
            Read([.. png[..^12], .. chunk, .. png[^12..]]);
            RequireRedAt(height, width, row, column);
        }

        static SKColor Corner(int x, int y) => x < 8 && y < 8 ? SKColors.Red : SKColors.Blue;
    }

    // Written by Pillow 9.4.0, orientation 6: the same image, to be turned to the right.
    [Fact]
    public void A_webp_is_turned_upright()
    {
        const string Webp = "UklGRlwAAABXRUJQVlA4WAoAAAAIAAAAHwAADwAAVlA4TBsAAAAvH8ADAA8Q87//8x8OxILJ/KW7M4jo/wSE5wcA"
            + "RVhJRhoAAABNTQAqAAAACAABARIAAwAAAAEABgAAAAAAAA==";
        Read(Convert.FromBase64String(Webp));

        RequireRedAt(32, 16, 0, 15);
    }

    // With a damaged tag, the image is read in its stored orientation.
    [Theory]
    [InlineData("")]
    [InlineData("4D4D002A")]
    [InlineData("4D4D002A00000008")]
    [InlineData("4D4D002AFFFFFFFF0001")]
    [InlineData("4D4D002A00000008FFFF")]
    [InlineData("4D4D002A00000008000101120003000000010009000000000000")]
    [InlineData("4D4D002A00000008000101120003000000010000000000000000")]
    [InlineData("4D4D002A0000000800010112000200000001000600000000")]
    public void A_damaged_orientation_turns_nothing(string tiff)
    {
        byte[] png = ImageFiles.Encode(4, 2, (_, _) => SKColors.Red, SKEncodedImageFormat.Png);

        Read([.. png[..33], .. ImageFiles.Chunk("eXIf", Convert.FromHexString(tiff)), .. png[33..]]);

        Assert.Equal((2, 4), (_image.Height, _image.Width));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_jpeg_that_lacks_its_end_marker_alone_is_whole(int missing)
    {
        byte[] jpeg = ImageFiles.Encode(67, 45, Noise, SKEncodedImageFormat.Jpeg);
        Read(jpeg);
        byte[] whole = _image.Pixels.ToArray();

        Read(jpeg[..^missing]);

        Assert.Equal(whole, _image.Pixels.ToArray());
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(8)]
    [InlineData(40)]
    [InlineData(400)]
    public void A_jpeg_that_lacks_a_bit_of_a_pixel_is_truncated(int missing)
    {
        byte[] jpeg = ImageFiles.Encode(67, 45, Noise, SKEncodedImageFormat.Jpeg);

        Assert.Equal("truncated", ImageDecoder.Decode(_files.Write("a.jpg", jpeg[..^missing]), _image));
    }

    [Fact]
    public void A_photograph_that_is_too_large_for_memory_is_decoded_at_a_fraction()
    {
        Read(GreyJpeg(12_000, 9_000));

        // Six eighths of each side are the most that 64 Mi pixels hold.
        Assert.Equal((6_750, 9_000), (_image.Height, _image.Width));
        Assert.False(_image.Pixels.ContainsAnyExcept((byte)128));
    }

    // The coefficients of several scans are kept until the last scan has been read: 26 GB here.
    [Fact]
    public void A_vast_image_of_several_scans_is_refused_before_memory_is_taken()
    {
        byte[] jpeg = GreyJpeg(65_000, 65_000);
        jpeg[jpeg.AsSpan().IndexOf((byte[])[0xFF, 0xC0]) + 1] = 0xC2;
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Equal("too large", ImageDecoder.Decode(_files.Write("a.jpg", jpeg[..1000]), _image));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_pipe_with_the_name_of_an_image_is_not_waited_for()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no pipes in folders.");
        using (System.Diagnostics.Process make = System.Diagnostics.Process.Start("mkfifo", _files["x.jpg"]))
        {
            await make.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal(
            "cannot be opened", await Task.Run(() => ImageDecoder.Decode(_files["x.jpg"], _image), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Damage_is_named()
    {
        byte[] jpeg = ImageFiles.Encode(64, 64, (x, y) => new SKColor((byte)(x * y), (byte)x, (byte)y), SKEncodedImageFormat.Jpeg);

        Assert.Equal("truncated", ImageDecoder.Decode(_files.Write("a.jpg", jpeg[..(jpeg.Length / 2)]), _image));
        Assert.Equal("no image", ImageDecoder.Decode(_files.Write("b.jpg", "This is no image."u8.ToArray()), _image));
        Assert.Equal("empty", ImageDecoder.Decode(_files.Write("c.jpg", []), _image));
        Assert.Equal("gone", ImageDecoder.Decode(_files["d.jpg"], _image));
        Directory.CreateDirectory(_files["e.jpg"]);
        Assert.Equal("cannot be opened", ImageDecoder.Decode(_files["e.jpg"], _image));
    }

    [Fact]
    public void A_header_of_a_few_bytes_that_claims_a_vast_image_is_refused_before_memory_is_taken()
    {
        byte[] png = ImageFiles.Png(8192, 8, 0, [new byte[8192]]);
        byte[] header = png[16..29];
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), 8193);
        byte[] claim = [.. png[..8], .. ImageFiles.Chunk("IHDR", header), .. png[33..]];
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Equal("too large", ImageDecoder.Decode(_files.Write("a.png", claim), _image));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    // For any bytes, the decoder returns a fault or an image; it neither throws nor hangs.
    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Webp)]
    public void Any_change_of_a_file_is_read_or_refused(SKEncodedImageFormat format)
    {
        byte[] whole = ImageFiles.Encode(24, 24, (x, y) => new SKColor((byte)(x * y), (byte)(10 * x), (byte)(10 * y)), format);
        Onward.Kernels.CounterSequence random = new(new Onward.Kernels.RandomStream(5, Onward.Kernels.RandomPurpose.Data));
        for (int i = 0; i < 500; i++)
        {
            byte[] changed = [.. whole];
            for (int change = random.NextInt32(4); change >= 0; change--)
            {
                // The sizes in the header are not changed, because the decoder would have to believe any size.
                changed[40 + random.NextInt32(changed.Length - 40)] = (byte)random.NextInt32(256);
            }

            string? fault = ImageDecoder.Decode(_files.Write("x", changed[..(1 + random.NextInt32(changed.Length))]), _image);
            Assert.True(fault is null or "empty" or "no image" or "truncated" or "damaged" or "too large", fault);
        }
    }

    public void Dispose() => _files.Dispose();

    private static SKColor Grey(int value) => new((byte)value, (byte)value, (byte)value);

    private static SKColor Noise(int x, int y) => new((byte)(x * y * 37), (byte)((x * 91) ^ (y * 53)), (byte)(x * 3));

    private void RequireRedAt(int height, int width, int row, int column)
    {
        Assert.Equal((height, width), (_image.Height, _image.Width));
        for (int y = 0; y < height; y += height - 1)
        {
            for (int x = 0; x < width; x += width - 1)
            {
                Assert.Equal((y, x) == (row, column), _image.Pixels[3 * ((y * width) + x)] > 128);
            }
        }
    }

    // A JPEG of identical grey blocks: two codes of one bit each, "no difference" and "end of block" (ITU T.81, annex F).
    private static byte[] GreyJpeg(int width, int height)
    {
        byte[] size = [(byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width];
        byte[] oneCode = [1, .. new byte[15], 0];
        int blocks = (width + 7) / 8 * ((height + 7) / 8);
        return
        [
            0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)1, 64), 0xFF, 0xC0, 0, 11, 8, .. size, 1, 1, 0x11, 0,
            0xFF, 0xC4, 0, 20, 0, .. oneCode, 0xFF, 0xC4, 0, 20, 0x10, .. oneCode,
            0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, .. new byte[(blocks + 3) / 4], 0xFF, 0xD9,
        ];
    }

    private void Read(byte[] content) => Assert.Null(ImageDecoder.Decode(_files.Write("image", content), _image));
}
