using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Onward.Data;

/// <summary>Some of the images of a set, in any order. Classes may have other numbers than in the set.</summary>
public sealed class ImageSubset : ImageSet
{
    private readonly ImageSet _images;
    private readonly ReadOnlyMemory<int> _examples;
    private readonly int[]? _numbers; // [class of the set]

    /// <summary>Selects examples of a set.</summary>
    /// <param name="images">The set.</param>
    /// <param name="examples">Numbers of examples in the set, each 0 to its count - 1. [example]</param>
    /// <exception cref="ArgumentException">No example is selected, or a number is out of range.</exception>
    public ImageSubset(ImageSet images, ReadOnlyMemory<int> examples)
        : this(images, examples, null, images?.Classes ?? 0)
    {
    }

    private ImageSubset(ImageSet images, ReadOnlyMemory<int> examples, int[]? numbers, int classes)
        : base(LabelsOf(images, examples.Span, numbers), images.Height, images.Width, images.Channels, classes) =>
        (_images, _examples, _numbers) = (images, examples, numbers);

    /// <summary>Renumbers the classes of a set.</summary>
    /// <param name="images">The set.</param>
    /// <param name="numbers">New number of each class, 0 to <paramref name="classes"/> - 1. [class]</param>
    /// <param name="classes">Number of classes after renumbering.</param>
    internal static ImageSubset Renumber(ImageSet images, int[] numbers, int classes) =>
        new(images, Enumerable.Range(0, images.Count).ToArray(), numbers, classes);

    /// <summary>
    /// Draws images without repetition. They are the first images of epoch 0 in a <see cref="BatchLoader"/> with the same seed.
    /// </summary>
    /// <param name="images">The set.</param>
    /// <param name="count">Number of images, 1 to the size of the set.</param>
    /// <param name="seed">Seed of the draw.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is outside that range.</exception>
    public static ImageSubset Draw(ImageSet images, int count, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, images.Count);
        return new ImageSubset(images, BatchLoader.Order(images.Count, seed, epoch: 0).AsMemory(0, count));
    }

    /// <inheritdoc/>
    public override bool Antialias => _images.Antialias;

    /// <inheritdoc/>
    internal override bool NeedsNoDecoding => _images.NeedsNoDecoding;

    /// <inheritdoc/>
    public override bool TryRead(int example, RawImage image) => _images.TryRead(_examples.Span[example], image);

    /// <inheritdoc/>
    public override bool IsText => _images.IsText;

    /// <inheritdoc/>
    public override int LabelsPerExample => _images.LabelsPerExample;

    /// <inheritdoc/>
    /// <remarks>The windows of a subset stay where they are: shifted ones would be others.</remarks>
    internal override bool TryReadTokens(int example, int shift, Span<float> tokens, Span<int> next) =>
        _images.TryReadTokens(_examples.Span[example], 0, tokens, next);

    /// <inheritdoc/>
    protected override UInt128 ChecksumOfImages()
    {
        XxHash128 checksum = new();
        ReadOnlySpan<UInt128> images = [_images.Checksum];
        checksum.Append(MemoryMarshal.AsBytes(images));
        checksum.Append(MemoryMarshal.AsBytes(_examples.Span));
        return checksum.GetCurrentHashAsUInt128();
    }

    /// <inheritdoc/>
    protected override ImageSubset Slice(int start, int count) => new(_images, _examples.Slice(start, count), _numbers, Classes);

    private static int[] LabelsOf(ImageSet images, ReadOnlySpan<int> examples, int[]? numbers)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (examples.IndexOfAnyExceptInRange(0, images.Count - 1) is >= 0 and int wrong)
        {
            throw new ArgumentException($"Examples must lie in 0..{images.Count - 1}; got {examples[wrong]}.", nameof(examples));
        }

        int[] labels = new int[examples.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            int label = images.Labels.Span[examples[i]];
            labels[i] = numbers?[label] ?? label;
        }

        return labels;
    }
}
