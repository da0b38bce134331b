using System.Buffers;
using System.Runtime.InteropServices;
using Onward.Data;
using SkiaSharp;

namespace Onward.Imaging;

/// <summary>Reads an image file as red, green and blue of 8 bits, upright.</summary>
/// <remarks>
/// The content tells the format, not the name. Colour profiles are not applied: intensities are those in the file. Grey is
/// widened to three channels, and what is transparent shows white.
/// </remarks>
internal static class ImageDecoder
{
    /// <summary>The most pixels of an image: a header of a few bytes may claim any number, and all take memory before one is read.</summary>
    internal const int MostPixels = 64 << 20;

    private const int Stored = 4; // red, green, blue, alpha

    /// <summary>Reads a file.</summary>
    /// <returns>Null, or what is wrong with the file in a word or two.</returns>
    internal static string? Decode(string path, RawImage image)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.SequentialScan);
            if (file.Length == 0)
            {
                return "empty";
            }

            using SKData data = SKData.Create(file);
            using SKCodec? codec = data is null ? null : SKCodec.Create(data);
            return codec is null ? "no image" : Decode(codec, image);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            return "gone";
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return "cannot be opened";
        }
    }

    private static string? Decode(SKCodec codec, RawImage image)
    {
        (int width, int height) = (codec.Info.Width, codec.Info.Height);
        if (width < 1 || height < 1 || (long)width * height > MostPixels)
        {
            return "too large";
        }

        byte[] pixels = ArrayPool<byte>.Shared.Rent(width * height * Stored);
        GCHandle pinned = GCHandle.Alloc(pixels, GCHandleType.Pinned);
        try
        {
            SKCodecResult result = codec.GetPixels(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul), pinned.AddrOfPinnedObject());
            if (result != SKCodecResult.Success)
            {
                return result == SKCodecResult.IncompleteInput ? "truncated" : "damaged";
            }

            Place(pixels, height, width, codec.EncodedOrigin, image);
            return null;
        }
        finally
        {
            pinned.Free();
            ArrayPool<byte>.Shared.Return(pixels);
        }
    }

    // The origin names the corner of the upright image where the first stored row begins, and whether rows run along its columns.
    private static void Place(ReadOnlySpan<byte> stored, int rows, int columns, SKEncodedOrigin origin, RawImage image)
    {
        bool turned = origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        bool fromRight = origin is SKEncodedOrigin.TopRight or SKEncodedOrigin.BottomRight or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom;
        bool fromBottom = origin is SKEncodedOrigin.BottomRight or SKEncodedOrigin.BottomLeft or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        (int height, int width) = turned ? (columns, rows) : (rows, columns);
        int across = fromRight ? -3 : 3, down = fromBottom ? -3 * width : 3 * width;
        int start = (fromRight ? 3 * (width - 1) : 0) + (fromBottom ? 3 * width * (height - 1) : 0);
        (int stepOfRow, int stepOfColumn) = turned ? (across, down) : (down, across);
        Span<byte> target = image.Resize(height, width, 3);
        for (int y = 0; y < rows; y++)
        {
            ReadOnlySpan<byte> row = stored.Slice(y * columns * Stored, columns * Stored);
            int at = start + (y * stepOfRow);
            for (int x = 0; x < row.Length; x += Stored, at += stepOfColumn)
            {
                int alpha = row[x + 3];
                (target[at], target[at + 1], target[at + 2]) = alpha == 255
                    ? (row[x], row[x + 1], row[x + 2])
                    : (OnWhite(row[x], alpha), OnWhite(row[x + 1], alpha), OnWhite(row[x + 2], alpha));
            }
        }
    }

    private static byte OnWhite(int value, int alpha) => (byte)(((value * alpha) + (255 * (255 - alpha)) + 127) / 255);
}
