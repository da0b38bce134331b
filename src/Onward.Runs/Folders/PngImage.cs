using SkiaSharp;

namespace Onward.Runs;

/// <summary>Turns images as models see them into pictures.</summary>
internal static class PngImage
{
    /// <summary>A PNG file of an image.</summary>
    /// <param name="image">Intensities in [0, 1]. [row, column, channel]</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="channels">Channels: one for grey, else red, green and blue.</param>
    /// <param name="largestSide">Where a side is longer, the picture is made smaller.</param>
    internal static byte[] Encode(ReadOnlySpan<float> image, int height, int width, int channels, int largestSide = int.MaxValue)
    {
        using SKBitmap picture = new(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                picture.SetPixel(x, y, ColorAt(image, ((y * width) + x) * channels, channels));
            }
        }

        int side = Math.Max(height, width);
        if (side <= largestSide)
        {
            return Bytes(picture);
        }

        using SKBitmap smaller = picture.Resize(
            new SKSizeI(width * largestSide / side, height * largestSide / side),
            new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        return Bytes(smaller);
    }

    /// <summary>The colour of a pixel.</summary>
    /// <param name="image">Intensities in [0, 1]. [row, column, channel]</param>
    /// <param name="start">Where the pixel's first channel is.</param>
    /// <param name="channels">Channels.</param>
    internal static SKColor ColorAt(ReadOnlySpan<float> image, int start, int channels)
    {
        return new SKColor(Byte(image[start]), Byte(image[start + (channels > 1 ? 1 : 0)]), Byte(image[start + (channels > 2 ? 2 : 0)]));

        static byte Byte(float intensity) => (byte)MathF.Round(255 * Math.Clamp(intensity, 0, 1));
    }

    private static byte[] Bytes(SKBitmap picture)
    {
        using SKData png = picture.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
