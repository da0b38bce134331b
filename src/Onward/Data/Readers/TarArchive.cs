using System.Text;

namespace Onward.Data;

/// <summary>Reads files from a tar archive (POSIX ustar and pax, GNU).</summary>
/// <remarks>
/// The reader of the .NET library allocates as much memory for a long name as the header claims, up to 2 GB. This one limits
/// it.
/// </remarks>
internal static class TarArchive
{
    private const int Block = 512;
    private const int LongestName = 1 << 16;
    private const string PathKey = " path=";

    /// <summary>Reads the files with the given names, in the order of the archive.</summary>
    /// <param name="archive">The archive, from its start; read up to the end of the tar.</param>
    /// <param name="names">The names of the files, without folders.</param>
    /// <param name="read">Called with a name and a length; must read exactly that many bytes of <paramref name="archive"/>.</param>
    /// <exception cref="InvalidDataException">A header is damaged.</exception>
    /// <exception cref="EndOfStreamException">The archive ends within a header or a file.</exception>
    public static void Read(Stream archive, IReadOnlyList<string> names, Action<string, long> read)
    {
        byte[] header = new byte[Block];
        string? longName = null;
        while (archive.ReadAtLeast(header, Block, throwOnEndOfStream: false) is > 0 and int got)
        {
            if (got < Block)
            {
                throw new EndOfStreamException();
            }

            if (!header.AsSpan().ContainsAnyExcept((byte)0))
            {
                return;
            }

            RequireChecksum(header);
            char type = (char)header[156];

            // Links, devices and folders have no content, even if their header gives a size.
            long length = type is >= '1' and <= '6' ? 0 : Number(header.AsSpan(124, 12)), padding = (Block - (length % Block)) % Block;
            if (type is 'L' or 'x')
            {
                longName = ReadName(archive, type, length) ?? longName;
                Skip(archive, padding);
                continue;
            }

            string path = longName ?? Text(header.AsSpan(0, 100));
            longName = null;
            string name = path[(path.LastIndexOf('/') + 1)..];
            if (type is '0' or '\0' && names.Contains(name))
            {
                read(name, length);
                Skip(archive, padding);
            }
            else
            {
                Skip(archive, length);
                Skip(archive, padding);
            }
        }
    }

    // The checksum is the sum of all bytes of the header, with its own field counted as spaces.
    private static void RequireChecksum(ReadOnlySpan<byte> header)
    {
        int sum = 8 * ' ';
        for (int i = 0; i < Block; i++)
        {
            sum += i is >= 148 and < 156 ? 0 : header[i];
        }

        if (Number(header.Slice(148, 8)) != sum)
        {
            throw new InvalidDataException("The checksum of a tar header is wrong.");
        }
    }

    // Numbers are octal digits. Larger numbers have the first bit set; they are rejected because no file here is so large.
    private static long Number(ReadOnlySpan<byte> field)
    {
        long number = 0;
        foreach (char digit in Text(field).Trim())
        {
            number = digit is >= '0' and <= '7'
                ? (8 * number) + digit - '0'
                : throw new InvalidDataException("A number in a tar header is damaged.");
        }

        return number;
    }

    private static string Text(ReadOnlySpan<byte> field) =>
        Encoding.UTF8.GetString(field.IndexOf((byte)0) is >= 0 and int end ? field[..end] : field);

    // The name is the whole content of a GNU header, or follows the key "path" in a pax header.
    private static string? ReadName(Stream archive, char type, long length)
    {
        if (length > LongestName)
        {
            throw new InvalidDataException($"A name header of {length} bytes in a tar archive, expected at most {LongestName}.");
        }

        byte[] content = new byte[length];
        archive.ReadExactly(content);
        string text = Text(content);
        return type == 'L' ? text : text.Split('\n').FirstOrDefault(line => line.Contains(PathKey, StringComparison.Ordinal)) is string line
            ? line[(line.IndexOf(PathKey, StringComparison.Ordinal) + PathKey.Length)..]
            : null;
    }

    private static void Skip(Stream archive, long count)
    {
        byte[] part = new byte[(int)Math.Min(count, 1 << 16)];
        for (long left = count; left > 0; left -= Math.Min(left, part.Length))
        {
            archive.ReadExactly(part, 0, (int)Math.Min(left, part.Length));
        }
    }
}
