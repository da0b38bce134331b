using System.IO.Hashing;

namespace Onward.Data;

/// <summary>Images of one size that lie on disk as bytes and are read when they are needed, so they take no memory.</summary>
internal sealed class StoredImages : ImageSet
{
    private readonly StoredBytes[] _parts;
    private readonly int _perPart;
    private readonly int _header;
    private readonly bool _planar;
    private readonly int _first;

    /// <summary>Describes images.</summary>
    /// <param name="parts">The images, in parts with the same number of images each.</param>
    /// <param name="labels">Class of each example. [example]</param>
    /// <param name="shape">Rows, columns and channels of one image.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="header">Bytes before each image.</param>
    /// <param name="planar">True for [channel, row, column], false for [row, column, channel].</param>
    internal StoredImages(
        StoredBytes[] parts,
        ReadOnlyMemory<int> labels,
        (int Height, int Width, int Channels) shape,
        int classes,
        int header = 0,
        bool planar = false)
        : this(parts, labels, shape, classes, header, planar, 0)
    {
    }

    private StoredImages(
        StoredBytes[] parts,
        ReadOnlyMemory<int> labels,
        (int Height, int Width, int Channels) shape,
        int classes,
        int header,
        bool planar,
        int first)
        : base(labels, shape.Height, shape.Width, shape.Channels, classes)
    {
        (_parts, _header, _planar, _first) = (parts, header, planar, first);
        _perPart = (int)(parts[0].Length / (header + ImageLength));
    }

    /// <inheritdoc/>
    internal override bool NeedsNoDecoding => true;

    /// <inheritdoc/>
    /// <exception cref="DataException">The file became shorter, or cannot be read.</exception>
    public override bool TryRead(int example, RawImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        int at = _first + example;
        long offset = ((at % _perPart) * (long)(_header + ImageLength)) + _header;
        Span<byte> pixels = image.Resize(Height, Width, Channels);
        if (!_planar)
        {
            _parts[at / _perPart].Read(offset, pixels);
            return true;
        }

        Span<byte> plane = stackalloc byte[Height * Width];
        for (int channel = 0; channel < Channels; channel++)
        {
            _parts[at / _perPart].Read(offset + (channel * plane.Length), plane);
            for (int i = 0; i < plane.Length; i++)
            {
                pixels[(i * Channels) + channel] = plane[i];
            }
        }

        return true;
    }

    /// <inheritdoc/>
    /// <remarks>The checksum of the same images in memory.</remarks>
    protected override UInt128 ChecksumOfImages()
    {
        XxHash128 checksum = new();
        RawImage image = new();
        for (int example = 0; example < Count; example++)
        {
            TryRead(example, image);
            checksum.Append(image.Pixels);
        }

        return checksum.GetCurrentHashAsUInt128();
    }

    /// <inheritdoc/>
    protected override StoredImages Slice(int start, int count) => new(
        _parts, Labels.Slice(start, count), (Height, Width, Channels), Classes, _header, _planar, _first + start);
}
