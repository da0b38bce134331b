using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Onward.Data;

/// <summary>
/// Images with their class numbers, held in memory or read on demand. The windows of a text are a set of columns (<see cref="TextSet"/>).
/// </summary>
public abstract class ImageSet
{
    private readonly Lazy<UInt128> _checksum;

    /// <summary>Stores the labels without copying them.</summary>
    /// <param name="labels">Class of each example, 0 to <paramref name="classes"/> - 1. [example]</param>
    /// <param name="height">Rows of the model's input, at least 1.</param>
    /// <param name="width">Columns of the model's input, at least 1.</param>
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

    /// <summary>Rows of the model's input. An image itself may have another size.</summary>
    public int Height { get; }

    /// <summary>Columns of the model's input. An image itself may have another size.</summary>
    public int Width { get; }

    /// <summary>Channels of every image.</summary>
    public int Channels { get; }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>
    /// True to smooth an image before it is made smaller, as PIL and torchvision do; false for the four taps of the paper's
    /// code. Default true.
    /// </summary>
    public virtual bool Antialias => true;

    /// <summary>True if the examples are windows of a text (<see cref="TextSet"/>) instead of images.</summary>
    public virtual bool IsText => false;

    /// <summary>Labels of an example: its class, or the next token of each position of a text.</summary>
    public virtual int LabelsPerExample => 1;

    /// <summary>Number of values of the model's input: height times width times channels.</summary>
    public int ImageLength => Height * Width * Channels;

    /// <summary>Class of each example. [example]</summary>
    public ReadOnlyMemory<int> Labels { get; }

    /// <summary>
    /// Checksum of sizes, labels and images (<see cref="ChecksumOfImages"/>), computed on first use. It distinguishes sets but
    /// does not detect forgeries.
    /// </summary>
    public UInt128 Checksum => _checksum.Value;

    /// <summary>True if images lie as bytes of pixels, so that reading one is at most a copy.</summary>
    internal virtual bool NeedsNoDecoding => false;

    /// <summary>Reads one image in its own size. Several threads may call this at once, each with its own <see cref="RawImage"/>.</summary>
    /// <param name="example">Number of the example, 0 to <see cref="Count"/> - 1.</param>
    /// <param name="image">Receives the image, of <see cref="Channels"/> channels.</param>
    /// <returns>False if the image is damaged.</returns>
    /// <exception cref="DataException">Too many images are damaged.</exception>
    public abstract bool TryRead(int example, RawImage image);

    /// <summary>Reads a window of a text. Several threads may call this at once.</summary>
    /// <param name="example">Number of the example, 0 to <see cref="Count"/> - 1.</param>
    /// <param name="shift">Tokens by which the windows of an epoch begin later, below their length.</param>
    /// <param name="tokens">Receives the index of each token. [position]</param>
    /// <param name="next">Receives the index of the token behind each one. [position]</param>
    /// <returns>False for a set of images.</returns>
    internal virtual bool TryReadTokens(int example, int shift, Span<float> tokens, Span<int> next) => false;

    /// <summary>Counts the labels of each class. [class]</summary>
    public long[] CountLabels()
    {
        long[] counts = new long[Classes];
        float[] tokens = new float[ImageLength];
        int[] labels = new int[LabelsPerExample];
        for (int example = 0; example < Count; example++)
        {
            if (!TryReadTokens(example, 0, tokens, labels))
            {
                labels[0] = Labels.Span[example];
            }

            foreach (int label in labels)
            {
                counts[label]++;
            }
        }

        return counts;
    }

    /// <summary>Reads one image in its own size. If it is damaged, the next intact image is read; the first follows the last.</summary>
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

    /// <summary>The first examples, as a view of the same images.</summary>
    /// <param name="count">Number of examples, 1 to <see cref="Count"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is outside that range.</exception>
    public ImageSet Take(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count);
        return Slice(0, count);
    }

    /// <summary>Holds out examples for validation, as two views of the same images. Each class has the same share in both.</summary>
    /// <param name="count">Number of examples to hold out, 1 to <see cref="Count"/> - 1.</param>
    /// <param name="seed">Seed of the draw.</param>
    /// <returns>The remaining and the held-out examples, both in their original order.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> would leave one part empty.</exception>
    public (ImageSet Training, ImageSet HeldOut) HoldOut(int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(count, Count);
        StratifiedSplit split = StratifiedSplit.Draw(Labels.Span, count, seed);
        return (new ImageSubset(this, split.Rest), new ImageSubset(this, split.Drawn));
    }

    /// <summary>
    /// Separates the last examples, as two views of the same images. If images are sorted by class, use <see cref="HoldOut"/>.
    /// </summary>
    /// <param name="count">Number of examples in the second part, 1 to <see cref="Count"/> - 1.</param>
    /// <returns>All examples except the last <paramref name="count"/>, and those last examples.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> would leave one part empty.</exception>
    public (ImageSet First, ImageSet Last) SplitLast(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(count, Count);
        return (Slice(0, Count - count), Slice(Count - count, count));
    }

    /// <summary>A view of consecutive images.</summary>
    /// <param name="start">Number of the first example.</param>
    /// <param name="count">Number of examples, at least 1.</param>
    protected abstract ImageSet Slice(int start, int count);

    /// <summary>
    /// Checksum of what is known without reading every image from disk: pixels in memory, or names and sizes of files. The
    /// default is 0: then only sizes and labels distinguish sets.
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
