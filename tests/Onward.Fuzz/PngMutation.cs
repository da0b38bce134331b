using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Onward.Imaging.Tests;

namespace Onward.Fuzz;

/// <summary>Mutates PNG files: any byte, or whole chunks with corrected lengths and checksums.</summary>
internal static class PngMutation
{
    private const int Signature = 8;
    private const int BytesInPercent = 30;

    /// <summary>Mutates a file.</summary>
    internal static byte[] Apply(byte[] content, byte[] donor, Draw draw)
    {
        if (draw.Percent(BytesInPercent))
        {
            return ByteMutation.Apply(content, donor, draw);
        }

        List<(string Name, byte[] Content)> chunks = Split(content);
        int at = draw.Below(chunks.Count);
        (string name, byte[] chunk) = chunks[at];
        switch (draw.Below(8))
        {
            case 0:
                chunks.RemoveAt(at);
                break;
            case 1:
                chunks.Insert(draw.Below(chunks.Count + 1), chunks[at]);
                break;
            case 2:
                string[] kinds = ["PLTE", "tRNS", "gAMA", "iCCP", "eXIf", "acTL", "fcTL", "IDAT", "sBIT", "bKGD"];
                chunks.Insert(at, (draw.Pick(kinds), donor[..draw.Below(donor.Length)]));
                break;
            case 3 when name == "IDAT":
                chunks[at] = (name, Zip(ByteMutation.Apply(Unzip(chunk), donor, draw)));
                break;
            case < 6:
                (string Name, byte[] Content) header = chunks[0];
                chunks[0] = (header.Name, ByteMutation.Apply(header.Content, donor, draw));
                break;
            default:
                chunks[at] = (name, ByteMutation.Apply(chunk, donor, draw));
                break;
        }

        return [.. content[..Signature], .. chunks.SelectMany(one => ImageFiles.Chunk(one.Name, one.Content))];
    }

    private static List<(string Name, byte[] Content)> Split(byte[] png)
    {
        List<(string Name, byte[] Content)> chunks = [];
        for (int at = Signature; at < png.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at));
            chunks.Add((Encoding.ASCII.GetString(png, at + 4, 4), png[(at + 8)..(at + 8 + length)]));
            at += 12 + length;
        }

        return chunks;
    }

    private static byte[] Zip(byte[] plain)
    {
        using MemoryStream packed = new();
        using (ZLibStream zlib = new(packed, CompressionLevel.Fastest))
        {
            zlib.Write(plain);
        }

        return packed.ToArray();
    }

    private static byte[] Unzip(byte[] packed)
    {
        using MemoryStream plain = new();
        using ZLibStream zlib = new(new MemoryStream(packed), CompressionMode.Decompress);
        zlib.CopyTo(plain);
        return plain.ToArray();
    }
}
