using System.Buffers.Binary;

namespace Onward.Imaging;

/// <summary>Examines the header of a JPEG file for the number of scans (ITU-T T.81, annex B).</summary>
internal static class JpegScans
{
    private const byte Prefix = 0xFF, StartOfScan = 0xDA;

    /// <summary>
    /// True if the image is spread over several scans, so that a decoder must keep all coefficients in memory before it outputs
    /// a row.
    /// </summary>
    /// <param name="file">The whole file. A damaged header counts as several scans.</param>
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

            // Frame headers are C0 to CF, except tables (C4, CC) and extensions (C8). The third of each four is progressive.
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
