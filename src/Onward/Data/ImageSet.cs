using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Onward.Data;

/// <summary>Images with the numbers of their classes, held in memory or read when they are needed.</summary>
public abstract class ImageSet
{
    private readonly Lazy<UInt128> _checksum;

    /// <summary>Takes labels as they are, without copying.</summary>
    /// <param name="labels">Class of each example, 0 to <paramref name="classes"/> - 1. [example]</param>
    /// <param name="height">Rows of what a model is given, at least 1.</param>
    /// <param name="width">Columns of what a model is given, at least 1.</param>
    /// <param name="channels">Channels of every image, at least 1.</param>
    /// <param name="classes">Number of classes, at least 1.</param>
    /// <exception cref="ArgumentException">There are no examples, a size is below 1, or a label is out of range.</exception>
    protected ImageSet(ReadOnlyMemory<int> labels, int height, int width, int channels, int classes)
    {
        if (labels.IsEmpty || height < 1 || width < 1 || channels < 1 || classes < 1)
        {
            throw new ArgumentException(
                "Images need at least one example, row, column, channel and class; got "
                + $"{labels.Length} examples of {height}x{width}x{channels} in {classes} classes.");
        }

        int wrong = labels.Span.IndexOfAnyExceptInRange(0, classes - 1);
        if (wrong >= 0)
        {
            throw new ArgumentException(
                $"Labels must lie in 0..{classes - 1}; example {wrong} has {labels.Span[wrong]}.", nameof(labels));
        }

        (Labels, Height, Width, Channels, Classes) = (labels, height, width, channels, classes);
        _checksum = new Lazy<UInt128>(ComputeChecksum);
    }

    /// <summary>Number of examples.</summary>
    public int Count => Labels.Length;

    /// <summary>Rows of what a model is given; an image itself may have another size.</summary>
    public int Height { get; }

    /// <summary>Columns of what a model is given.</summary>
    public int Width { get; }

    /// <summary>Channels of every image.</summary>
    public int Channels { get; }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>
    /// True if an image is smoothed before it is made smaller, as in PIL and torchvision; false for the four taps of the paper's
    /// code. Default true.
    /// </summary>
    public virtual bool Antialias => true;

    /// <summary>Values of what a model is given: height times width times channels.</summary>
    public int ImageLength => Height * Width * Channels;

    /// <summary>Class of each example. [example]</summary>
    public ReadOnlyMemory<int> Labels { get; }

    /// <summary>
    /// Checksum of sizes, labels and images (<see cref="ChecksumOfImages"/>): tells a set from others, not from forgeries.
    /// It is computed once, when it is first asked for.
    /// </summary>
    public UInt128 Checksum => _checksum.Value;

    /// <summary>True if reading an image is no more than to show it where it lies.</summary>
    internal virtual bool IsInMemory => false;

    /// <summary>Reads one image in its own size. Several threads may call it at once, each with its own image to fill.</summary>
    /// <param name="example">Number of the example, 0 to <see cref="Count"/> - 1.</param>
    /// <param name="image">Receives the image, of <see cref="Channels"/> channels.</param>
    /// <returns>False where the image is damaged.</returns>
    /// <exception cref="DataException">Too many images are damaged.</exception>
    public abstract bool TryRead(int example, RawImage image);

    /// <summary>Reads one image in its own size or, where it is damaged, the next that is not; after the last comes the first.</summary>
    /// <param name="example">Number of the example, 0 to <see cref="Count"/> - 1.</param>
    /// <param name="image">Receives the image, of <see cref="Channels"/> channels.</param>
    /// <returns>Number of the example that was read.</returns>
    /// <exception cref="DataException">Too many images are damaged.</exception>
    public int Read(int example, RawImage image)
    {
        for (int i = 0; i < Count; i++)
        {
            int next = (int)(((long)example + i) % Count);
            if (TryRead(next, image))
            {
                return next;
            }
        }

        throw new DataException($"None of {Count} images can be read. Replace them with intact copies.");
    }

    /// <summary>The first examples, as a view on the same images.</summary>
    /// <param name="count">How many, 1 to <see cref="Count"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is outside that range.</exception>
    public ImageSet Take(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count);
        return Slice(0, count);
    }

    /// <summary>Holds examples out, for validation: two views on the same images. Each class has the same share in both.</summary>
    /// <param name="count">Number of examples to hold out, 1 to <see cref="Count"/> - 1.</param>
    /// <param name="seed">Names the draw.</param>
    /// <returns>The examples that are left and those held out, both in their order.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> would leave one part empty.</exception>
    public (ImageSet Training, ImageSet HeldOut) HoldOut(int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(count, Count);
        StratifiedSplit split = StratifiedSplit.Draw(Labels.Span, count, seed);
        return (new ImageSubset(this, split.Rest), new ImageSubset(this, split.Drawn));
    }

    /// <summary>
    /// Sets the last examples apart: two views on the same images. Where images are sorted by class, take <see cref="HoldOut"/>.
    /// </summary>
    /// <param name="count">Examples of the second part, 1 to <see cref="Count"/> - 1.</param>
    /// <returns>All but the last <paramref name="count"/> examples, and those last ones.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> would leave one part empty.</exception>
    public (ImageSet First, ImageSet Last) SplitLast(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(count, Count);
        return (Slice(0, Count - count), Slice(Count - count, count));
    }

    /// <summary>A view on some of the images.</summary>
    /// <param name="start">Number of the first example.</param>
    /// <param name="count">Examples of the view, at least 1.</param>
    protected abstract ImageSet Slice(int start, int count);

    /// <summary>
    /// Checksum of what is known of the images without reading each from a disk: pixels in memory, or names and sizes of files.
    /// Default 0: sizes and labels alone tell such a set from others.
    /// </summary>
    protected virtual UInt128 ChecksumOfImages() => UInt128.Zero;

    private UInt128 ComputeChecksum()
    {
        XxHash128 checksum = new();
        ReadOnlySpan<int> sizes = [Count, Height, Width, Channels, Classes];
        checksum.Append(MemoryMarshal.AsBytes(sizes));
        checksum.Append(MemoryMarshal.AsBytes(Labels.Span));
        ReadOnlySpan<UInt128> images = [ChecksumOfImages()];
        checksum.Append(MemoryMarshal.AsBytes(images));
        return checksum.GetCurrentHashAsUInt128();
    }
}
