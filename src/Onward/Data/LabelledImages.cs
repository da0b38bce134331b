namespace Onward.Data;

/// <summary>Images of one size held in memory as bytes, each with the number of its class.</summary>
public sealed class LabelledImages
{
    /// <summary>Takes pixels and labels as they are, without copying.</summary>
    /// <param name="pixels">Intensities 0 to 255. [example, row, column, channel]</param>
    /// <param name="labels">Class of each example, 0 to <paramref name="classes"/> - 1. [example]</param>
    /// <param name="height">Rows of one image, at least 1.</param>
    /// <param name="width">Columns of one image, at least 1.</param>
    /// <param name="channels">Channels of one image, at least 1.</param>
    /// <param name="classes">Number of classes, at least 1.</param>
    /// <exception cref="ArgumentException">There are no examples, a size is below 1, the lengths disagree, or a label is out of range.</exception>
    public LabelledImages(
        ReadOnlyMemory<byte> pixels,
        ReadOnlyMemory<int> labels,
        int height,
        int width,
        int channels,
        int classes)
    {
        if (labels.IsEmpty || height < 1 || width < 1 || channels < 1 || classes < 1)
        {
            throw new ArgumentException(
                "Images need at least one example, row, column, channel and class; got "
                + $"{labels.Length} examples of {height}x{width}x{channels} in {classes} classes.");
        }

        Int128 expected = (Int128)labels.Length * height * width * channels;
        if (pixels.Length != expected)
        {
            throw new ArgumentException(
                $"{labels.Length} labels and images of {height}x{width}x{channels} need {expected} bytes of pixels; got {pixels.Length}.",
                nameof(pixels));
        }

        int wrong = labels.Span.IndexOfAnyExceptInRange(0, classes - 1);
        if (wrong >= 0)
        {
            throw new ArgumentException(
                $"Labels must lie in 0..{classes - 1}; example {wrong} has {labels.Span[wrong]}.", nameof(labels));
        }

        Pixels = pixels;
        Labels = labels;
        Height = height;
        Width = width;
        Channels = channels;
        Classes = classes;
    }

    /// <summary>Number of examples.</summary>
    public int Count => Labels.Length;

    /// <summary>Rows of one image.</summary>
    public int Height { get; }

    /// <summary>Columns of one image.</summary>
    public int Width { get; }

    /// <summary>Channels of one image.</summary>
    public int Channels { get; }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>Bytes of one image: height times width times channels.</summary>
    public int ImageLength => Height * Width * Channels;

    /// <summary>Intensities, 0 to 255. [example, row, column, channel]</summary>
    public ReadOnlyMemory<byte> Pixels { get; }

    /// <summary>Class of each example. [example]</summary>
    public ReadOnlyMemory<int> Labels { get; }

    /// <summary>The first examples, as a view on the same memory.</summary>
    /// <param name="count">How many, 1 to <see cref="Count"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is outside that range.</exception>
    public LabelledImages Take(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count);
        return Slice(0, count);
    }

    /// <summary>Sets the last examples apart, for validation: two views on the same memory.</summary>
    /// <param name="count">Examples of the second part, 1 to <see cref="Count"/> - 1.</param>
    /// <returns>All but the last <paramref name="count"/> examples, and those last ones.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> would leave one part empty.</exception>
    public (LabelledImages First, LabelledImages Last) SplitLast(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(count, Count);
        return (Slice(0, Count - count), Slice(Count - count, count));
    }

    private LabelledImages Slice(int start, int count) => new(
        Pixels.Slice(start * ImageLength, count * ImageLength),
        Labels.Slice(start, count),
        Height,
        Width,
        Channels,
        Classes);
}
