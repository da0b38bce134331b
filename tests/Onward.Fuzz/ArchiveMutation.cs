using System.IO.Compression;
using System.Text;
using Onward.Tests.Data;

namespace Onward.Fuzz;

/// <summary>
/// Mutates gzip and tar files, either as bytes or inside with corrected checksums, so that the mutation reaches the inner
/// reader.
/// </summary>
internal static class ArchiveMutation
{
    private const int Block = 512;
    private const int SizeField = 124, ChecksumField = 148, TypeField = 156;
    private const int OutsideInPercent = 30;

    // Entry types: files, links, devices, folders, and headers that describe the next entry.
    private const string Types = "\0" + "01234567LKxgSVMDX";

    private static readonly string[] Sizes = ["0", "1", "777", "1000", "17777777777", "77777777777", "-1", "x", "20000000", "15604"];

    /// <summary>Mutates a gzip file, or with probability 70 % its content.</summary>
    internal static Mutation Gzip(Mutation inside) => (content, donor, draw) => draw.Percent(OutsideInPercent)
        ? ByteMutation.Apply(content, donor, draw)
        : TemporaryFolder.Gzip(inside(Unpack(content), Unpack(donor), draw));

    /// <summary>Mutates a tar file.</summary>
    internal static byte[] Tar(byte[] content, byte[] donor, Draw draw)
    {
        byte[] tar = [.. content];
        if (draw.Percent(60))
        {
            int header = Block * draw.Below(tar.Length / Block);
            if (draw.Percent(60))
            {
                tar[header + TypeField] = (byte)Types[draw.Below(Types.Length)];
            }

            if (draw.Percent(60))
            {
                WriteSize(tar.AsSpan(header + SizeField, 12), draw);
            }
        }

        if (draw.Percent(60))
        {
            tar = ByteMutation.Apply(tar, donor, draw);
        }

        if (draw.Percent(85))
        {
            CorrectChecksums(tar);
        }

        return tar;
    }

    // Writes octal digits, or a binary number, which has the first bit set.
    private static void WriteSize(Span<byte> field, Draw draw)
    {
        field.Clear();
        if (draw.Percent(70))
        {
            Encoding.ASCII.GetBytes(draw.Pick(Sizes).PadLeft(11, '0'), field);
            return;
        }

        field[0] = 0x80;
        field[draw.Below(12)] |= (byte)draw.Bits();
    }

    // Corrects the checksum of every header that can be reached by the sizes of the entries before it.
    private static void CorrectChecksums(byte[] tar)
    {
        for (long at = 0; at + Block <= tar.Length;)
        {
            Span<byte> header = tar.AsSpan((int)at, Block);
            header.Slice(ChecksumField, 8).Fill((byte)' ');
            int sum = 0;
            foreach (byte value in header)
            {
                sum += value;
            }

            if (sum == 8 * ' ')
            {
                header.Slice(ChecksumField, 8).Clear();
                return;
            }

            Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ", header.Slice(ChecksumField, 8));
            string digits = Encoding.ASCII.GetString(header.Slice(SizeField, 11)).Trim('\0', ' ');
            long size = digits.All(digit => digit is >= '0' and <= '7')
                ? digits.Aggregate(0L, (total, digit) => (8 * total) + digit - '0')
                : 0;
            at += Block * (1 + ((size + Block - 1) / Block));
        }
    }

    private static byte[] Unpack(byte[] packed)
    {
        using MemoryStream plain = new();
        using GZipStream gzip = new(new MemoryStream(packed), CompressionMode.Decompress);
        gzip.CopyTo(plain);
        return plain.ToArray();
    }
}
