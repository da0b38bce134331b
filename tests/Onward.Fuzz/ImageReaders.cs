using System.Buffers.Binary;
using Onward.Data;
using Onward.Imaging;
using Onward.Imaging.Tests;
using SkiaSharp;

namespace Onward.Fuzz;

/// <summary>The readers of image files: in class folders, and as loose files.</summary>
internal static class ImageReaders
{
    private const int Side = 8;

    // Memory of the largest image that is decoded: as decoded (4 bytes per pixel) and as returned (3 bytes).
    private const long LargestImage = 7L * ImageDecoder.MostPixels;

    /// <summary>Creates both readers.</summary>
    internal static IEnumerable<Reader> All()
    {
        IReadOnlyList<SeedFile> images = [.. Files()];
        yield return new Reader("image-folder", 9, [.. images.Select(Folder)], ReadFolder) { Allocation = LargestImage };
        yield return new Reader("image", 9, [images], ReadLoose) { Allocation = LargestImage };
    }

    private static IEnumerable<SeedFile> Files()
    {
        byte[] jpeg = ImageFiles.Encode(24, 16, Shade, SKEncodedImageFormat.Jpeg);
        yield return new SeedFile("colour.jpg", jpeg, ByteMutation.Apply);
        yield return new SeedFile("turned.jpg", WithOrientation(jpeg), ByteMutation.Apply);
        yield return new SeedFile(
            "grey.jpg", ImageFiles.Encode(17, 9, Shade, SKEncodedImageFormat.Jpeg, SKColorType.Gray8), ByteMutation.Apply);
        yield return new SeedFile("colour.png", ImageFiles.Encode(10, 12, Shade, SKEncodedImageFormat.Png), PngMutation.Apply);
        yield return new SeedFile("deep.png", ImageFiles.Png(2, 16, 2, [new byte[12], new byte[12]]), PngMutation.Apply);
        (string, byte[])[] chunks = [("PLTE", [1, 2, 3, 250, 251, 252]), ("tRNS", [0])];
        yield return new SeedFile("palette.png", ImageFiles.Png(8, 1, 3, [[0xa5], [0x5a]], chunks), PngMutation.Apply);
        yield return new SeedFile("lossy.webp", ImageFiles.Encode(12, 12, Shade, SKEncodedImageFormat.Webp), ByteMutation.Apply);
        yield return new SeedFile("plain.bmp", Bitmap(5, 4), ByteMutation.Apply);
    }

    // Puts the image into a data set folder, together with intact images.
    private static SeedFile[] Folder(SeedFile image)
    {
        SeedFile intact = image with { Mutate = null };
        return
        [
            image with { Name = $"train/a/{image.Name}" },
            intact with { Name = $"train/b/{image.Name}" },
            intact with { Name = $"val/a/{image.Name}" },
            intact with { Name = $"val/b/{image.Name}" },
        ];
    }

    private static string? ReadFolder(string folder, string path)
    {
        SkippedImages skipped = new() { MostShare = 0 };
        try
        {
            RawImage image = new();
            ImageDataset data = ImageFolder.Load(folder, Side, skipped);
            Require(data.Training.TryRead(0, image), image);
            return null;
        }
        catch (DataException fault)
        {
            return fault.Message;
        }
    }

    private static string? ReadLoose(string folder, string path)
    {
        try
        {
            RawImage image = new();
            foreach ((int channels, bool keepsSize) in new[] { (3, false), (1, true) })
            {
                LooseImages files = new([path], Side, channels, keepsSize);
                bool isRead = files.TryRead(0, image);
                if (files.FaultOf(0) is string fault)
                {
                    return fault;
                }

                Require(isRead && image.Channels == channels && (keepsSize || (image.Height == Side && image.Width == Side)), image);
            }

            return null;
        }
        catch (DataException fault)
        {
            return fault.Message;
        }
    }

    private static void Require(bool isRead, RawImage image)
    {
        if (!isRead || image.Pixels.Length != image.Height * image.Width * image.Channels)
        {
            throw new InconsistentException($"an image of {image.Height}x{image.Width}x{image.Channels} with {image.Pixels.Length} bytes");
        }
    }

    private static SKColor Shade(int x, int y) => new((byte)(9 * x), (byte)(15 * y), (byte)(x * y), (byte)(255 - x));

    // Adds an EXIF segment with the orientation of a picture taken upright.
    private static byte[] WithOrientation(byte[] jpeg)
    {
        byte[] exif = [0xff, 0xe1, 0, 34, .. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];
        return [.. jpeg[..2], .. exif, .. jpeg[2..]];
    }

    // A BMP file: two headers, then rows of blue, green and red, each padded to a multiple of four bytes.
    private static byte[] Bitmap(int width, int height)
    {
        const int Headers = 54;
        int row = ((3 * width) + 3) / 4 * 4;
        byte[] file = new byte[Headers + (row * height)];
        "BM"u8.CopyTo(file);
        (int, int)[] fields =
            [(2, file.Length), (10, Headers), (14, 40), (18, width), (22, height), (26, 1 + (24 << 16)), (34, row * height)];
        foreach ((int at, int value) in fields)
        {
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        }

        return file;
    }
}
