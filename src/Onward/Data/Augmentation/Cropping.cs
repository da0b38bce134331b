using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Data.Augmentation;

/// <summary>Operations that move pixels without interpolation.</summary>
internal static class Cropping
{
    /// <summary>
    /// Copies a part of an image, scaled to [0, 1]. The part has the size of the image and is 0 where it lies outside the
    /// image.
    /// </summary>
    /// <param name="source">The image. [row, column, channel]</param>
    /// <param name="most">The intensity that becomes 1.</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="channels">Channels of the image.</param>
    /// <param name="top">First row of the part, in rows of the image; may be negative.</param>
    /// <param name="left">First column of the part, in columns of the image; may be negative.</param>
    /// <param name="target">Receives the part. [row, column, channel]</param>
    internal static void CutPadded<T>(
        ReadOnlySpan<T> source, float most, int height, int width, int channels, int top, int left, Span<float> target)
        where T : INumberBase<T>
    {
        if (top != 0 || left != 0)
        {
            target.Clear();
        }

        int row = width * channels;
        int columns = (width - Math.Abs(left)) * channels;
        int from = Math.Max(left, 0) * channels;
        int to = Math.Max(-left, 0) * channels;
        if (columns <= 0)
        {
            return;
        }

        for (int y = Math.Max(top, 0); y < Math.Min(height, height + top); y++)
        {
            Span<float> part = target.Slice(((y - top) * row) + to, columns);
            TensorPrimitives.ConvertTruncating(source.Slice((y * row) + from, columns), part);
            TensorPrimitives.Divide(part, most, part);
        }
    }

    /// <summary>Mirrors an image left to right, in place.</summary>
    internal static void Flip(Span<float> image, int width, int channels)
    {
        int row = width * channels;
        for (int start = 0; start < image.Length; start += row)
        {
            image.Slice(start, row).Reverse();
            for (int pixel = start; channels > 1 && pixel < start + row; pixel += channels)
            {
                image.Slice(pixel, channels).Reverse();
            }
        }
    }
}
