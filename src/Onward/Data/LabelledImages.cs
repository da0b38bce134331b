using System.IO.Hashing;

namespace Onward.Data;

/// <summary>Images of one size held in memory as bytes, each with the number of its class.</summary>
public sealed class LabelledImages : ImageSet
{
    /// <summary>Stores pixels and labels without copying them.</summary>
    /// <param name="pixels">Intensities 0 to 255. [example, row, column, channel]</param>
    /// <param name="labels">Class of each example, 0 to <paramref name="classes"/> - 1. [example]</param>
    /// <param name="height">Rows of one image, at least 1.</param>
    /// <param name="width">Columns of one image, at least 1.</param>
    /// <param name="channels">Channels of one image, at least 1.</param>
    /// <param name="classes">Number of classes, at least 1.</param>
    /// <exception cref="ArgumentException">
    /// There are no examples, a size is below 1, the lengths disagree, or a label is out of range.
    /// </exception>
    public LabelledImages(
        ReadOnlyMemory<byte> pixels,
        ReadOnlyMemory<int> labels,
        int height,
        int width,
        int channels,
        int classes)
        : base(labels, height, width, channels, classes)
    {
        Int128 expected = (Int128)labels.Length * height * width * channels;
        if (pixels.Length != expected)
        {
            throw new ArgumentException(
                $"{labels.Length} labels and images of {height}x{width}x{channels} need {expected} bytes of pixels; got {pixels.Length}.",
                nameof(pixels));
        }

        Pixels = pixels;
    }

    /// <summary>Intensities, 0 to 255. [example, row, column, channel]</summary>
    public ReadOnlyMemory<byte> Pixels { get; }

    /// <inheritdoc/>
    internal override bool NeedsNoDecoding => true;

    /// <inheritdoc/>
    public override bool TryRead(int example, RawImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        image.Show(Pixels.Slice(example * ImageLength, ImageLength), Height, Width, Channels);
        return true;
    }

    /// <inheritdoc/>
    protected override UInt128 ChecksumOfImages() => XxHash128.HashToUInt128(Pixels.Span);

    /// <inheritdoc/>
    protected override LabelledImages Slice(int start, int count) => new(
        Pixels.Slice(start * ImageLength, count * ImageLength),
        Labels.Slice(start, count),
        Height,
        Width,
        Channels,
        Classes);
}
