using System.Buffers.Binary;
using System.Text;

namespace Onward.Formats;

/// <summary>One message in the wire format of Protocol Buffers, which ONNX files and TensorBoard event files use.</summary>
/// <remarks>
/// A field is its number and wire type in one varint, then its value: a varint, four or eight bytes, or a length and that many
/// bytes. A nested message is such a sequence of bytes. Parts are kept in a list, so bytes are never copied again, however
/// deeply they are nested.
/// </remarks>
internal sealed class WireMessage
{
    private const int Varint = 0, EightBytes = 1, Bytes = 2, FourBytes = 5;

    private readonly List<ReadOnlyMemory<byte>> _parts = [];

    /// <summary>Length of the message in bytes.</summary>
    internal long Length { get; private set; }

    /// <summary>Adds an integer of 0 or more, as a varint.</summary>
    internal WireMessage Add(int field, long value) => Head(field, Varint, value);

    /// <summary>Adds a 32-bit float.</summary>
    internal WireMessage Add(int field, float value)
    {
        byte[] part = [.. Number((field << 3) | FourBytes), 0, 0, 0, 0];
        BinaryPrimitives.WriteSingleLittleEndian(part.AsSpan(part.Length - sizeof(float)), value);
        return Part(part);
    }

    /// <summary>Adds a 64-bit float.</summary>
    internal WireMessage Add(int field, double value)
    {
        byte[] part = [.. Number((field << 3) | EightBytes), .. new byte[sizeof(double)]];
        BinaryPrimitives.WriteDoubleLittleEndian(part.AsSpan(part.Length - sizeof(double)), value);
        return Part(part);
    }

    /// <summary>Adds a string in UTF-8.</summary>
    internal WireMessage Add(int field, string value) => Add(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Adds bytes without copying them.</summary>
    internal WireMessage Add(int field, ReadOnlyMemory<byte> value) => Head(field, Bytes, value.Length).Part(value);

    /// <summary>Adds a nested message, which must be complete.</summary>
    internal WireMessage Add(int field, WireMessage value)
    {
        Head(field, Bytes, value.Length);
        _parts.AddRange(value._parts);
        Length += value.Length;
        return this;
    }

    /// <summary>Writes the message to a stream.</summary>
    internal void WriteTo(Stream stream)
    {
        foreach (ReadOnlyMemory<byte> part in _parts)
        {
            stream.Write(part.Span);
        }
    }

    // Adds a field's number and wire type, then a varint: the value or its length.
    private WireMessage Head(int field, int kind, long number)
    {
        byte[] part = [.. Number((field << 3) | kind), .. Number(number)];
        return Part(part);
    }

    private WireMessage Part(ReadOnlyMemory<byte> bytes)
    {
        _parts.Add(bytes);
        Length += bytes.Length;
        return this;
    }

    // Encodes a varint: seven bits per byte, the lowest first. The highest bit of a byte says that more bytes follow.
    private static List<byte> Number(long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        List<byte> bytes = [];
        for (; value > 0x7F; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        bytes.Add((byte)value);
        return bytes;
    }
}
