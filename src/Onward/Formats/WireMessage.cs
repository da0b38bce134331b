using System.Buffers.Binary;
using System.Text;

namespace Onward.Formats;

/// <summary>One message in the wire format of Protocol Buffers, in which ONNX files and those of TensorBoard are written.</summary>
/// <remarks>
/// A field is its number and kind in one varint, then its value: a varint, four or eight bytes, or a length and as many bytes. A
/// message within a message is such bytes, so what is added is kept in parts and never copied again, however deep it lies.
/// </remarks>
internal sealed class WireMessage
{
    private const int Varint = 0, EightBytes = 1, Bytes = 2, FourBytes = 5;

    private readonly List<ReadOnlyMemory<byte>> _parts = [];

    /// <summary>Bytes of the message.</summary>
    internal long Length { get; private set; }

    /// <summary>Adds a whole number, 0 or more.</summary>
    internal WireMessage Add(int field, long value) => Head(field, Varint, value);

    /// <summary>Adds a number of 32 bits.</summary>
    internal WireMessage Add(int field, float value)
    {
        byte[] part = [.. Number((field << 3) | FourBytes), 0, 0, 0, 0];
        BinaryPrimitives.WriteSingleLittleEndian(part.AsSpan(part.Length - sizeof(float)), value);
        return Part(part);
    }

    /// <summary>Adds a number of 64 bits.</summary>
    internal WireMessage Add(int field, double value)
    {
        byte[] part = [.. Number((field << 3) | EightBytes), .. new byte[sizeof(double)]];
        BinaryPrimitives.WriteDoubleLittleEndian(part.AsSpan(part.Length - sizeof(double)), value);
        return Part(part);
    }

    /// <summary>Adds a text.</summary>
    internal WireMessage Add(int field, string value) => Add(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Adds bytes, which are not copied.</summary>
    internal WireMessage Add(int field, ReadOnlyMemory<byte> value) => Head(field, Bytes, value.Length).Part(value);

    /// <summary>Adds a message, which must be complete.</summary>
    internal WireMessage Add(int field, WireMessage value)
    {
        Head(field, Bytes, value.Length);
        _parts.AddRange(value._parts);
        Length += value.Length;
        return this;
    }

    /// <summary>Writes the message.</summary>
    internal void WriteTo(Stream stream)
    {
        foreach (ReadOnlyMemory<byte> part in _parts)
        {
            stream.Write(part.Span);
        }
    }

    // A field's number and kind, then a number: its value, or its length.
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

    // Seven bits a byte, the lowest first; the highest bit says that more follow.
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
