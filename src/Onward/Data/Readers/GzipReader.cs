using System.Buffers.Binary;
using System.IO.Compression;

namespace Onward.Data;

/// <summary>Decompresses a gzip file and rejects one that is truncated, which <see cref="GZipStream"/> accepts.</summary>
/// <remarks>
/// The last four bytes of a gzip file are the length of its content modulo 2^32 (RFC 1952, ISIZE). The file must have a single
/// member.
/// </remarks>
internal sealed class GzipReader : Stream
{
    private readonly GZipStream _gzip;
    private readonly uint _announced;
    private uint _length;

    /// <summary>Starts at the beginning of a file.</summary>
    public GzipReader(FileStream file)
    {
        Span<byte> end = stackalloc byte[sizeof(uint)];
        RandomAccess.Read(file.SafeFileHandle, end, Math.Max(0, file.Length - end.Length));
        _announced = BinaryPrimitives.ReadUInt32LittleEndian(end);
        _gzip = new GZipStream(file, CompressionMode.Decompress);
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The file is damaged or truncated.</exception>
    public override int Read(Span<byte> buffer)
    {
        int read = _gzip.Read(buffer);
        _length += (uint)read;
        return read > 0 || buffer.IsEmpty || _length == _announced
            ? read
            : throw new InvalidDataException($"The file ends after {_length} bytes of content, but declares {_announced}.");
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush() => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _gzip.Dispose();
        }

        base.Dispose(disposing);
    }
}
