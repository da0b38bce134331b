using System.Buffers.Binary;
using System.Text;

namespace Onward.Cli.Tests;

/// <summary>Reads TensorBoard event files, independently of the code that writes them.</summary>
internal sealed class EventReader
{
    /// <summary>The scalars, keyed by tag and step.</summary>
    public Dictionary<(string Tag, long Step), float> Scalars { get; } = [];

    /// <summary>The fields of histograms, keyed by tag and step.</summary>
    public Dictionary<(string Tag, long Step), List<(int Field, byte[] Bytes)>> Histograms { get; } = [];

    /// <summary>The PNG images, keyed by tag and step.</summary>
    public Dictionary<(string Tag, long Step), byte[]> Images { get; } = [];

    /// <summary>The first step of the session in each file.</summary>
    public List<long> Starts { get; } = [];

    public static EventReader Read(string folder)
    {
        EventReader reader = new();
        foreach (string file in Directory.GetFiles(folder, "*tfevents*").Order(StringComparer.Ordinal))
        {
            reader.ReadFile(File.ReadAllBytes(file));
        }

        return reader;
    }

    private void ReadFile(byte[] file)
    {
        for (int at = 0, record = 0; at + 12 <= file.Length; record++)
        {
            long length = BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at));
            Assert.Equal(Masked(file.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            if (at + 16 + length > file.Length)
            {
                return; // torn by a kill
            }

            byte[] content = file.AsSpan(at + 12, (int)length).ToArray();
            Assert.Equal(Masked(content), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + (int)length)));
            at += 16 + (int)length;
            ReadEvent(Fields(content), isFirst: record == 0);
        }
    }

    private void ReadEvent(List<(int Field, byte[] Bytes)> fields, bool isFirst)
    {
        Assert.True(BitConverter.ToDouble(Only(fields, 1)) > 1e9);
        long step = fields.Exists(field => field.Field == 2) ? (long)ToNumber(Only(fields, 2)) : 0;
        if (isFirst)
        {
            Assert.Equal("brain.Event:2", Encoding.UTF8.GetString(Only(fields, 3)));
        }
        else if (fields.Exists(field => field.Field == 7))
        {
            Assert.Equal(1UL, ToNumber(Only(Fields(Only(fields, 7)), 1)));
            Starts.Add(step);
            Purge(Scalars, step);
            Purge(Histograms, step);
            Purge(Images, step);
        }
        else
        {
            foreach ((_, byte[] bytes) in Fields(Only(fields, 5)))
            {
                List<(int Field, byte[] Bytes)> value = Fields(bytes);
                (string, long) key = (Encoding.UTF8.GetString(Only(value, 1)), step);
                switch (value[1].Field)
                {
                    case 2: Scalars.Add(key, BitConverter.ToSingle(value[1].Bytes)); break;
                    case 4: Images.Add(key, Only(Fields(value[1].Bytes), 4)); break;
                    case 5: Histograms.Add(key, Fields(value[1].Bytes)); break;
                    default: Assert.Fail($"A value of field {value[1].Field}."); break;
                }
            }
        }
    }

    public static byte[] Only(List<(int Field, byte[] Bytes)> fields, int field) => Assert.Single(fields, one => one.Field == field).Bytes;

    private static void Purge<T>(Dictionary<(string Tag, long Step), T> values, long step)
    {
        foreach ((string Tag, long Step) key in values.Keys.Where(key => key.Step >= step).ToList())
        {
            values.Remove(key);
        }
    }

    private static List<(int Field, byte[] Bytes)> Fields(byte[] message)
    {
        List<(int, byte[])> fields = [];
        for (int at = 0; at < message.Length;)
        {
            ulong key = Varint(message, ref at);
            int length;
            switch (key & 7)
            {
                case 0: fields.Add(((int)(key >> 3), BitConverter.GetBytes(Varint(message, ref at)))); continue;
                case 1: length = 8; break;
                case 2: length = (int)Varint(message, ref at); break;
                case 5: length = 4; break;
                default: throw new InvalidDataException($"A field of kind {key & 7}.");
            }

            fields.Add(((int)(key >> 3), message.AsSpan(at, length).ToArray()));
            at += length;
        }

        return fields;
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte one = message[at++];
            value |= (ulong)(one & 0x7F) << shift;
            if (one < 0x80)
            {
                return value;
            }
        }
    }

    private static ulong ToNumber(byte[] bytes) => BitConverter.ToUInt64(bytes);

    // Bit by bit, by the polynomial of Castagnoli.
    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte one in bytes)
        {
            crc ^= one;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        crc = ~crc;
        return unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8);
    }
}
