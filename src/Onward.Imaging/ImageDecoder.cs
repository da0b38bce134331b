using System.Buffers;
using System.Runtime.InteropServices;
using Onward.Data;
using Onward.Formats;
using SkiaSharp;

namespace Onward.Imaging;

/// <summary>Decodes an image file to 8-bit red, green and blue, in upright orientation.</summary>
/// <remarks>
/// The format is determined from the content, not the name. Colour profiles are not applied. Grey is expanded to three
/// channels, and transparent pixels are blended with white. A JPEG of more than <see cref="MostPixels"/> is decoded at a
/// reduced size: the largest number of eighths of each side that needs no more memory than the largest image of another format.
/// </remarks>
internal static class ImageDecoder
{
    /// <summary>
    /// Limit on the number of pixels. A header of a few bytes may claim any size, and memory is allocated before any pixel is
    /// read.
    /// </summary>
    internal const int MostPixels = 64 << 20;

    private const int Stored = 4; // bytes per decoded pixel: red, green, blue, alpha
    private const int Eighths = 8;

    // A pixel is stored twice: as decoded and as returned. A JPEG of several scans also keeps 16-bit coefficients of three components.
    private const int BytesOfPixel = Stored + 3, BytesOfCoefficients = 3 * sizeof(short);
    private const long MostBytes = (long)(BytesOfPixel + BytesOfCoefficients) * MostPixels;

    // Bit patterns that decode to different values in any code. A JPEG that lacks data decodes to another image with each of them.
    private static readonly byte[] Continuations = [0x00, 0x55, 0xAA];

    /// <summary>Decodes a file.</summary>
    /// <returns>Null on success, or a short description of the fault.</returns>
    internal static string? Decode(string path, RawImage image)
    {
        try
        {
            using FileStream file = InputFile.Open(path, bufferSize: 1);
            if (file.Length is 0 or > int.MaxValue)
            {
                return file.Length == 0 ? "empty" : "too large";
            }

            using SKData? data = SKData.Create(file);
            return Decode(data, image);
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

    /// <summary>Decodes the content of a file.</summary>
    /// <returns>Null on success, or a short description of the fault.</returns>
    internal static string? Decode(ReadOnlySpan<byte> content, RawImage image)
    {
        if (content.IsEmpty)
        {
            return "empty";
        }

        using SKData data = SKData.CreateCopy(content);
        return Decode(data, image);
    }

    private static string? Decode(SKData? data, RawImage image)
    {
        using SKCodec? codec = data is null ? null : SKCodec.Create(data);
        if (codec is null)
        {
            return "no image";
        }

        if (SizeOf(codec, data!.Span) is not SKSizeI size)
        {
            return "too large";
        }

        int length = size.Width * size.Height * Stored;
        byte[] pixels = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            SKCodecResult result = Fill(codec, size, pixels);
            bool isIncompleteJpeg =
                result == SKCodecResult.IncompleteInput && codec.EncodedFormat == SKEncodedImageFormat.Jpeg;
            bool isWhole = result == SKCodecResult.Success
                || (isIncompleteJpeg && LacksOnlyItsEnd(data.Span, size, pixels.AsSpan(0, length), pixels));
            if (!isWhole)
            {
                return result == SKCodecResult.IncompleteInput ? "truncated" : "damaged";
            }

            SKEncodedOrigin origin = codec.EncodedFormat == SKEncodedImageFormat.Png ? PngOrientation.Of(data.Span) : codec.EncodedOrigin;
            Place(pixels, size.Height, size.Width, origin, image);
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(pixels);
        }
    }

    // The size at which the image is decoded; null if it would need too much memory.
    private static SKSizeI? SizeOf(SKCodec codec, ReadOnlySpan<byte> file)
    {
        SKSizeI whole = codec.Info.Size;
        long pixels = (long)whole.Width * whole.Height;
        if (pixels is >= 1 and <= MostPixels)
        {
            return whole;
        }

        if (pixels < 1 || codec.EncodedFormat != SKEncodedImageFormat.Jpeg)
        {
            return null;
        }

        long left = MostBytes - (JpegScans.AreSeveral(file) ? BytesOfCoefficients * pixels : 0);
        for (int eighths = Eighths - 1; eighths > 0; eighths--)
        {
            SKSizeI size = codec.GetScaledDimensions((float)eighths / Eighths);
            if ((long)size.Width * size.Height is var scaled && scaled <= MostPixels && scaled * BytesOfPixel <= left)
            {
                return size;
            }
        }

        return null;
    }

    private static SKCodecResult Fill(SKCodec codec, SKSizeI size, byte[] pixels)
    {
        GCHandle pinned = GCHandle.Alloc(pixels, GCHandleType.Pinned);
        try
        {
            return codec.GetPixels(
                new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul), pinned.AddrOfPinnedObject());
        }
        finally
        {
            pinned.Free();
        }
    }

    // True if the file decodes to the same pixels whatever replaces the missing end marker. Then no pixel data is missing.
    private static bool LacksOnlyItsEnd(ReadOnlySpan<byte> file, SKSizeI size, ReadOnlySpan<byte> decoded, byte[] pixels)
    {
        const int Length = 64;
        ReadOnlySpan<byte> content = file is [.., 0xFF] ? file[..^1] : file; // half of the marker
        int? hash = null;
        foreach (byte continuation in Continuations)
        {
            byte[] ended = [.. content, .. Enumerable.Repeat(continuation, Length), 0xFF, 0xD9];
            using SKData data = SKData.CreateCopy(ended);
            using SKCodec? codec = SKCodec.Create(data);
            if (codec is null || Fill(codec, size, pixels) != SKCodecResult.Success)
            {
                return false;
            }

            HashCode bytes = default;
            bytes.AddBytes(decoded);
            int found = bytes.ToHashCode();
            if (hash is int other && other != found)
            {
                return false;
            }

            hash = found;
        }

        return true;
    }

    // The origin is the corner of the upright image where the first stored row begins. If turned, stored rows run along its columns.
    private static void Place(ReadOnlySpan<byte> stored, int rows, int columns, SKEncodedOrigin origin, RawImage image)
    {
        bool turned = origin
            is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        bool fromRight = origin
            is SKEncodedOrigin.TopRight or SKEncodedOrigin.BottomRight or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom;
        bool fromBottom = origin
            is SKEncodedOrigin.BottomRight or SKEncodedOrigin.BottomLeft or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
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
