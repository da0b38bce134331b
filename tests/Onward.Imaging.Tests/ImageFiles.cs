using SkiaSharp;

namespace Onward.Imaging.Tests;

/// <summary>A folder of its own with images in folders of their classes; removed with all that is in it.</summary>
internal sealed class ImageFiles : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("onward-images-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Two classes in both sets, three images each of 8x6, every one of a colour of its own.</summary>
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

    public static byte[] Encode(int width, int height, Func<int, int, SKColor> pixel, SKEncodedImageFormat format, SKColorType type = SKColorType.Rgba8888)
    {
        using SKBitmap bitmap = new(new SKImageInfo(width, height, type, type == SKColorType.Gray8 ? SKAlphaType.Opaque : SKAlphaType.Unpremul));
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

    public string Write(string name, byte[] content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
