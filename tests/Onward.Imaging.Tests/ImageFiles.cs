using System.Buffers.Binary;
using System.IO.Compression;
using SkiaSharp;

namespace Onward.Imaging.Tests;

/// <summary>A temporary folder with images in class folders; removed with its content.</summary>
internal sealed class ImageFiles : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("onward-images-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Creates two classes in both sets, with three images of 8x6 each. Every image has another colour.</summary>
    public static ImageFiles WithClasses(int images = 3)
    {
        ImageFiles files = new();
        foreach (string split in new[] { "train", "val" })
        {
            foreach (string name in new[] { "cat", "dog" })
            {
                for (int i = 0; i < images; i++)
                {
                    byte shade = (byte)((20 * i) + (name == "cat" ? 100 : 0));
                    files.Write($"{split}/{name}/{i}.png", Encode(8, 6, (_, _) => new SKColor(shade, 50, 200), SKEncodedImageFormat.Png));
                }
            }
        }

        return files;
    }

    public static byte[] Encode(
        int width, int height, Func<int, int, SKColor> pixel, SKEncodedImageFormat format, SKColorType type = SKColorType.Rgba8888)
    {
        using SKBitmap bitmap = new(
            new SKImageInfo(width, height, type, type == SKColorType.Gray8 ? SKAlphaType.Opaque : SKAlphaType.Unpremul));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                bitmap.SetPixel(x, y, pixel(x, y));
            }
        }

        using SKData data = bitmap.Encode(format, 95);
        return data.ToArray();
    }

    /// <summary>
    /// Encodes a PNG of a kind that the library does not write: any depth and colour type, rows that are already packed, and chunks in
    /// front of the pixels.
    /// </summary>
    public static byte[] Png(int width, byte depth, byte colourType, byte[][] rows, params (string Name, byte[] Content)[] chunks)
    {
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), rows.Length);
        (header[8], header[9]) = (depth, colourType);
        using MemoryStream pixels = new();
        using (ZLibStream zlib = new(pixels, CompressionLevel.Fastest))
        {
            foreach (byte[] row in rows)
            {
                zlib.Write([0, .. row]);
            }
        }

        return
        [
            0x89,
            .. "PNG\r\n\u001a\n"u8,
            .. Chunk("IHDR", header),
            .. chunks.SelectMany(chunk => Chunk(chunk.Name, chunk.Content)),
            .. Chunk("IDAT", pixels.ToArray()),
            .. Chunk("IEND", []),
        ];
    }

    public string Write(string name, byte[] content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    // Length, name, content and the checksum of name and content (PNG specification, 5.3 and annex D).
    public static byte[] Chunk(string name, byte[] content)
    {
        byte[] chunk = [0, 0, 0, 0, .. System.Text.Encoding.ASCII.GetBytes(name), .. content, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        uint sum = uint.MaxValue;
        foreach (byte value in chunk.AsSpan(4, 4 + content.Length))
        {
            sum ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                sum = (sum & 1) == 0 ? sum >> 1 : (sum >> 1) ^ 0xEDB88320;
            }
        }

        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), ~sum);
        return chunk;
    }
}
