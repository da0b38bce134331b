using System.Buffers.Binary;
using SkiaSharp;

namespace Onward.Imaging;

/// <summary>Reads the orientation in the <c>eXIf</c> chunk of a PNG file, which SkiaSharp's decoder ignores.</summary>
/// <remarks>
/// A chunk is a length, a name, the content and a checksum (PNG specification, section 5.3). The content of this chunk is a
/// TIFF header and its first directory.
/// </remarks>
internal static class PngOrientation
{
    private const int Signature = 8, AroundContent = 12, DirectoryEntry = 12;
    private const ushort OrientationTag = 0x0112, ShortType = 3;

    /// <summary>Finds the orientation.</summary>
    /// <param name="file">The whole file.</param>
    /// <returns>The corner of the upright image where the first stored row begins; top left if the file does not specify it.</returns>
    internal static SKEncodedOrigin Of(ReadOnlySpan<byte> file)
    {
        for (int at = Signature; at <= file.Length - AroundContent;)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            ReadOnlySpan<byte> name = file.Slice(at + 4, 4);
            if (length > file.Length - at - AroundContent || name.SequenceEqual("IEND"u8))
            {
                break;
            }

            if (name.SequenceEqual("eXIf"u8))
            {
                return OfTiff(file.Slice(at + 8, (int)length));
            }

            at += AroundContent + (int)length;
        }

        return SKEncodedOrigin.TopLeft;
    }

    private static SKEncodedOrigin OfTiff(ReadOnlySpan<byte> tiff)
    {
        bool little = tiff.StartsWith("II*\0"u8);
        if (tiff.Length < 10 || !(little || tiff.StartsWith("MM\0*"u8)))
        {
            return SKEncodedOrigin.TopLeft;
        }

        uint directory = little ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory > tiff.Length - 2)
        {
            return SKEncodedOrigin.TopLeft;
        }

        ReadOnlySpan<byte> entries = tiff[((int)directory + 2)..];
        for (int left = Short(tiff[(int)directory..], little); left > 0 && entries.Length >= DirectoryEntry; left--)
        {
            if (Short(entries, little) == OrientationTag && Short(entries[2..], little) == ShortType)
            {
                ushort value = Short(entries[8..], little);
                return value is >= (int)SKEncodedOrigin.TopLeft and <= (int)SKEncodedOrigin.LeftBottom
                    ? (SKEncodedOrigin)value
                    : SKEncodedOrigin.TopLeft;
            }

            entries = entries[DirectoryEntry..];
        }

        return SKEncodedOrigin.TopLeft;
    }

    private static ushort Short(ReadOnlySpan<byte> bytes, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);
}
