namespace Onward.Data;

/// <summary>One image of any size, as it was read. Its buffer grows to the largest image and is reused.</summary>
public sealed class RawImage
{
    private byte[] _buffer = [];
    private ReadOnlyMemory<byte> _pixels;

    /// <summary>Number of rows.</summary>
    public int Height { get; private set; }

    /// <summary>Number of columns.</summary>
    public int Width { get; private set; }

    /// <summary>Number of channels.</summary>
    public int Channels { get; private set; }

    /// <summary>Intensities, 0 to 255. [row, column, channel]</summary>
    public ReadOnlySpan<byte> Pixels => _pixels.Span;

    /// <summary>Allocates room for an image, or reuses the buffer.</summary>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="channels">Channels, at least 1.</param>
    /// <returns>The memory to fill; its content is undefined. [row, column, channel]</returns>
    /// <exception cref="ArgumentException">A size is below 1, or the image would not fit one array.</exception>
    public Span<byte> Resize(int height, int width, int channels)
    {
        Int128 length = Length(height, width, channels);
        if (length > Array.MaxLength)
        {
            throw new ArgumentException($"An image must fit one array of {Array.MaxLength} bytes; {height}x{width}x{channels} does not.");
        }

        if (_buffer.Length < length)
        {
            _buffer = GC.AllocateUninitializedArray<byte>((int)length);
        }

        (Height, Width, Channels, _pixels) = (height, width, channels, _buffer.AsMemory(0, (int)length));
        return _buffer.AsSpan(0, (int)length);
    }

    /// <summary>Refers to an image that already lies in memory, without copying it.</summary>
    /// <param name="pixels">Intensities, 0 to 255. [row, column, channel]</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="channels">Channels, at least 1.</param>
    /// <exception cref="ArgumentException">A size is below 1, or the lengths disagree.</exception>
    public void Show(ReadOnlyMemory<byte> pixels, int height, int width, int channels)
    {
        if (pixels.Length != Length(height, width, channels))
        {
            throw new ArgumentException(
                $"An image of {height}x{width}x{channels} needs as many bytes; got {pixels.Length}.", nameof(pixels));
        }

        (Height, Width, Channels, _pixels) = (height, width, channels, pixels);
    }

    private static Int128 Length(int height, int width, int channels) => height >= 1 && width >= 1 && channels >= 1
        ? (Int128)height * width * channels
        : throw new ArgumentException($"An image needs at least one row, column and channel; got {height}x{width}x{channels}.");
}
