using System.Buffers.Binary;

namespace Onward.Imaging;

/// <summary>The scans that the header of a JPEG file announces.</summary>
internal static class JpegScans
{
    private const byte Prefix = 0xFF, StartOfScan = 0xDA;

    /// <summary>
    /// True if the image is spread over several scans, so that a decoder keeps all coefficients before it has a single row.
    /// </summary>
    /// <param name="file">The whole file; a damaged header counts as one of several scans.</param>
    internal static bool AreSeveral(ReadOnlySpan<byte> file)
    {
        int components = 0;
        for (int at = 2; at <= file.Length - 10;)
        {
            byte marker = file[at + 1];
            if (file[at] != Prefix)
            {
                break;
            }

            if (marker == Prefix)
            {
                at++; // a fill byte
                continue;
            }

            if (marker == StartOfScan)
            {
                return file[at + 4] < components;
            }

            // Frames are C0 to CF, but for tables C4 and CC and the extension C8; of each four the third is progressive.
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                components = file[at + 9];
                if ((marker & 3) == 2)
                {
                    return true;
                }
            }

            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
        }

        return true;
    }
}
