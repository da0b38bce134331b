using System.Buffers.Binary;

namespace Onward.Fuzz;

/// <summary>
/// Mutates bytes without knowledge of the format, except that it may contain integers of 16, 32 and 64 bits, most of them near
/// its start.
/// </summary>
internal static class ByteMutation
{
    private const int HeaderLength = 64;
    private const int LongestBlock = 1024;

    private static readonly byte[] Bytes = [0, 1, 0x7f, 0x80, 0xff];

    private static readonly long[] Numbers =
    [
        0, 1, 2, 3, -1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0xffffff, 0x7fffffc7, 0x7fffffff, 0x80000000,
        0xffffffff, 0x100000000, long.MaxValue, long.MinValue, 100_000_000, 1_000_000, 4096, 4097,
    ];

    /// <summary>Makes 1, 2 or 4 changes.</summary>
    internal static byte[] Apply(byte[] content, byte[] donor, Draw draw)
    {
        List<byte> bytes = [.. content];
        for (int rounds = 1 << draw.Below(3); rounds > 0; rounds--)
        {
            Change(bytes, donor, draw);
        }

        return [.. bytes];
    }

    private static void Change(List<byte> bytes, byte[] donor, Draw draw)
    {
        if (bytes.Count == 0)
        {
            bytes.AddRange(donor);
            return;
        }

        int at = Place(bytes.Count, draw);
        switch (draw.Below(13))
        {
            case 0 or 1:
                bytes[at] ^= (byte)(1 << draw.Below(8));
                break;
            case 2:
                bytes[at] = draw.Pick(Bytes);
                break;
            case 3:
                bytes[at] = (byte)draw.Bits();
                break;
            case 4:
                bytes[at] += (byte)(draw.Percent(50) ? 1 : -1);
                break;
            case 5 or 6:
                WriteNumber(bytes, at, draw);
                break;
            case 7:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 8:
                bytes.AddRange(Enumerable.Repeat(draw.Pick(Bytes), 1 + draw.Below(LongestBlock)));
                break;
            case 9:
                // Joins the start of one file and the end of another.
                bytes.RemoveRange(at, bytes.Count - at);
                int from = draw.Below(donor.Length + 1);
                bytes.AddRange(donor.AsSpan(draw.Percent(50) ? Math.Min(at, donor.Length) : from));
                break;
            case 10:
                bytes.RemoveRange(at, BlockLength(bytes, at, draw));
                break;
            case 11:
                bytes.InsertRange(Place(bytes.Count, draw), bytes.GetRange(at, BlockLength(bytes, at, draw)));
                break;
            default:
                List<byte> block = bytes.GetRange(at, BlockLength(bytes, at, draw));
                bytes.RemoveRange(at, block.Count);
                bytes.InsertRange(draw.Below(bytes.Count + 1), block);
                break;
        }
    }

    private static int Place(int length, Draw draw) => draw.Below(draw.Percent(50) ? Math.Min(HeaderLength, length) : length);

    private static int BlockLength(List<byte> bytes, int at, Draw draw) => 1 + draw.Below(Math.Min(LongestBlock, bytes.Count - at));

    private static void WriteNumber(List<byte> bytes, int at, Draw draw)
    {
        int size = 2 << draw.Below(3);
        at = Math.Max(0, Math.Min(at / size * size, bytes.Count - size));
        long number = draw.Percent(80) ? draw.Pick(Numbers) : bytes.Count + draw.Below(3) - 1;
        Span<byte> word = stackalloc byte[sizeof(long)];
        bool isLittle = draw.Percent(50);
        if (isLittle)
        {
            BinaryPrimitives.WriteInt64LittleEndian(word, number);
        }
        else
        {
            BinaryPrimitives.WriteInt64BigEndian(word, number);
        }

        ReadOnlySpan<byte> kept = isLittle ? word[..size] : word[^size..];
        for (int i = 0; i < size && at + i < bytes.Count; i++)
        {
            bytes[at + i] = kept[i];
        }
    }
}
