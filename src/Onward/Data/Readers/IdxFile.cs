using System.Buffers.Binary;
using System.IO.Compression;
using Onward.Formats;

namespace Onward.Data;

/// <summary>Reads images and labels in IDX, the format of MNIST: a big-endian magic number, the sizes, then one byte per value.</summary>
/// <remarks>Files may be plain or gzip. Their first two bytes decide, not their names.</remarks>
public static class IdxFile
{
    private const string Absent = "no such file. Check the path.";
    private const uint MaximumSide = 4096;
    private const int MaximumSizes = 4;

    // A damaged header may claim any size. Memory beyond what the file can hold, or beyond this limit, is allocated as bytes arrive.
    private const int TrustedBytes = 64 << 20;

    // Deflate compresses at most 258 bytes into two bits (RFC 1951), so a byte expands to at most 1032.
    private const long MostUnpacked = 1032;

    // The last digit is the number of dimensions. The fourth dimension holds the channels.
    private static readonly uint[] ImagesMagic = [0x00000803, 0x00000804];
    private static readonly uint[] LabelsMagic = [0x00000801];

    /// <summary>Reads a pair of files. Large files stay on disk, and their images are read when they are needed.</summary>
    /// <param name="imagesPath">File of images: grey [example, row, column], or with 1 or 3 channels [example, row, column,
    /// channel].</param>
    /// <param name="labelsPath">File with a label for each image. [example]</param>
    /// <param name="classes">Number of classes; labels must lie in 0 to <paramref name="classes"/> - 1.</param>
    /// <exception cref="DataException">A file is missing, unreadable or damaged, or the two do not belong together.</exception>
    /// <exception cref="ArgumentException">A path is empty, or <paramref name="classes"/> is below 1.</exception>
    public static ImageSet Read(string imagesPath, string labelsPath, int classes)
    {
        ArgumentException.ThrowIfNullOrEmpty(imagesPath);
        ArgumentException.ThrowIfNullOrEmpty(labelsPath);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        return Read(imagesPath, labelsPath).In(classes);
    }

    /// <summary>Reads a pair of files whose number of classes is not known yet.</summary>
    internal static IdxPair Read(string imagesPath, string labelsPath)
    {
        (int[] shape, StoredBytes pixels) = OpenImages(imagesPath);
        int[] labels = ReadLabels(labelsPath);
        return labels.Length == shape[0]
            ? new IdxPair(labelsPath, shape, pixels, labels)
            : throw new DataException(
                $"{labelsPath}: {labels.Length} labels, expected {shape[0]}, one for each image of {imagesPath}. "
                + "Use two files of the same set.");
    }

    private static int[] ReadLabels(string path) => FileGuard.Read(path, Absent, () =>
    {
        using FileStream file = InputFile.Open(path);
        using Stream content = IsGzip(file) ? new GZipStream(file, CompressionMode.Decompress) : file;
        int[] shape = ReadHeader(path, content, LabelsMagic);
        return Array.ConvertAll(ReadValues(path, content, shape, Trusted(file, content)), label => (int)label);
    });

    // Small content lies in memory. Large content stays in the file, or in the copy of a gzip file.
    private static (int[] Shape, StoredBytes Pixels) OpenImages(string path) => FileGuard.Read(path, Absent, () =>
    {
        FileStream file = InputFile.Open(path);
        bool isGzip = IsGzip(file);
        FileStream? plain = isGzip ? UnpackedFile.Open(file) : file.Length >= UnpackedFile.SmallestKept ? file : null;
        if (plain != file)
        {
            using FileStream source = file;
            if (plain is null)
            {
                using Stream content = isGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
                int[] small = ReadHeader(path, content, ImagesMagic);
                return (small, new StoredBytes(ReadValues(path, content, small, Trusted(file, content))));
            }
        }

        int[] shape = ReadHeader(path, plain, ImagesMagic);
        long start = 4 + (4 * shape.Length), total = shape.Aggregate(1L, (product, size) => product * size), held = plain.Length - start;
        return held < total ? throw Truncated(path, held, total)
            : held > total ? throw Exceeding(path, total)
            : (shape, new StoredBytes(path, plain, start, total));
    });

    private static bool IsGzip(FileStream file)
    {
        Span<byte> start = stackalloc byte[2];
        bool isGzip = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start is [0x1f, 0x8b];
        file.Position = 0;
        return isGzip;
    }

    private static int Trusted(FileStream file, Stream content) =>
        (int)Math.Min(content == file ? file.Length : MostUnpacked * file.Length, TrustedBytes);

    private static int[] ReadHeader(string path, Stream stream, uint[] magic)
    {
        Span<byte> header = stackalloc byte[4 + (4 * MaximumSizes)];
        int length = stream.ReadAtLeast(header[..4], 4, throwOnEndOfStream: false);
        uint seen = length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(header) : magic[0];
        if (!magic.Contains(seen))
        {
            string cure = ImagesMagic.Contains(seen) || LabelsMagic.Contains(seen)
                ? "Images and labels may be swapped."
                : "This is not an IDX file of bytes, or it is damaged.";
            throw new DataException(
                $"{path}: magic number 0x{seen:X8}, expected {string.Join(" or ", magic.Select(number => $"0x{number:X8}"))}. {cure}");
        }

        int[] shape = new int[seen & 0xff];
        header = header[..(4 + (4 * shape.Length))];
        length += stream.ReadAtLeast(header[4..], header.Length - 4, throwOnEndOfStream: false);
        if (length < header.Length)
        {
            throw new DataException($"{path}: truncated header of {length} bytes, expected {header.Length}. {FileGuard.Cure}");
        }

        long product = 1;
        for (int i = 0; i < shape.Length; i++)
        {
            uint size = BinaryPrimitives.ReadUInt32BigEndian(header[(4 + (4 * i))..]);
            product *= size;
            (bool fits, string rule) = i switch
            {
                0 => (size > 0, "1 or more examples"),
                3 => (size is 1 or 3, "1 or 3 channels"),
                _ => (size is > 0 and <= MaximumSide, $"1 to {MaximumSide} rows and columns"),
            };
            if (!fits || product > Array.MaxLength)
            {
                throw new DataException(
                        $"{path}: size {i + 1} of {shape.Length} is {size}, "
                        + $"expected {rule}, at most {Array.MaxLength} bytes in all. {FileGuard.Cure}");
            }

            shape[i] = (int)size;
        }

        return shape;
    }

    private static byte[] ReadValues(string path, Stream stream, int[] shape, int trusted)
    {
        int total = shape.Aggregate(1, (product, size) => product * size);
        byte[] values = new byte[Math.Min(total, trusted)];
        int read = 0;
        while (read < total)
        {
            if (read == values.Length)
            {
                Array.Resize(ref values, (int)Math.Min(total, 2L * values.Length));
            }

            int wanted = values.Length - read;
            int got = stream.ReadAtLeast(values.AsSpan(read), wanted, throwOnEndOfStream: false);
            read += got;
            if (got < wanted)
            {
                throw Truncated(path, read, total);
            }
        }

        return stream.ReadByte() < 0 ? values : throw Exceeding(path, total);
    }

    private static DataException Truncated(string path, long read, long total) =>
        new($"{path}: truncated after {read} values, expected {total}. {FileGuard.Cure}");

    private static DataException Exceeding(string path, long total) =>
        new($"{path}: more bytes follow the {total} values that the header declares. {FileGuard.Cure}");
}
