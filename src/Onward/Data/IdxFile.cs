using System.Buffers.Binary;
using System.IO.Compression;

namespace Onward.Data;

/// <summary>Reads images and labels in IDX, the format of MNIST: big-endian magic number, sizes, then one byte per value.</summary>
/// <remarks>Files may be plain or gzip; their first two bytes tell, not their names.</remarks>
public static class IdxFile
{
    private const uint ImagesMagic = 0x00000803;
    private const uint LabelsMagic = 0x00000801;

    private const uint MaximumSide = 4096;

    // A damaged header may claim any size: memory beyond this is taken only as bytes arrive to fill it.
    private const int TrustedBytes = 64 << 20;

    private const string Cure = "Replace it with an intact copy.";

    /// <summary>Reads a pair of files into memory.</summary>
    /// <param name="imagesPath">File of images, one channel. [example, row, column]</param>
    /// <param name="labelsPath">File of as many labels. [example]</param>
    /// <param name="classes">Number of classes; labels must lie in 0 to <paramref name="classes"/> - 1.</param>
    /// <exception cref="DataException">A file is missing, unreadable or damaged, or the two do not belong together.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="classes"/> is below 1.</exception>
    public static LabelledImages Read(string imagesPath, string labelsPath, int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        (int[] shape, byte[] pixels) = ReadArray(imagesPath, ImagesMagic);
        (_, byte[] labelBytes) = ReadArray(labelsPath, LabelsMagic);
        if (labelBytes.Length != shape[0])
        {
            throw new DataException(
                $"{labelsPath}: {labelBytes.Length} labels, expected {shape[0]}, one for each image of {imagesPath}. Use two files of the same set.");
        }

        int[] labels = Array.ConvertAll(labelBytes, label => (int)label);
        int wrong = labels.AsSpan().IndexOfAnyExceptInRange(0, classes - 1);
        return wrong < 0
            ? new LabelledImages(pixels, labels, shape[1], shape[2], channels: 1, classes)
            : throw new DataException($"{labelsPath}: label {wrong} is {labels[wrong]}, expected 0 to {classes - 1}. {Cure}");
    }

    private static (int[] Shape, byte[] Values) ReadArray(string path, uint magic)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read);
            Span<byte> start = stackalloc byte[2];
            bool compressed = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start is [0x1f, 0x8b];
            file.Position = 0;
            using Stream stream = compressed ? new GZipStream(file, CompressionMode.Decompress) : file;
            int[] shape = ReadHeader(path, stream, magic);
            return (shape, ReadValues(path, stream, shape));
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataException($"{path}: no such file. Check the path.", fault);
        }
        catch (UnauthorizedAccessException fault)
        {
            throw new DataException($"{path}: may not be read, or is not a file. Check its permissions.", fault);
        }
        catch (InvalidDataException fault)
        {
            throw new DataException($"{path}: corrupt or truncated gzip data. {Cure}", fault);
        }
        catch (IOException fault)
        {
            throw new DataException($"{path}: cannot be read: {fault.Message} Check the disk.", fault);
        }
    }

    private static int[] ReadHeader(string path, Stream stream, uint magic)
    {
        int dimensions = (int)(magic & 0xff);
        Span<byte> header = stackalloc byte[4 + (4 * dimensions)];
        int length = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(header) is uint seen && seen != magic)
        {
            string cure = seen is ImagesMagic or LabelsMagic
                ? "Images and labels may be swapped."
                : "This is no IDX file of bytes, or it is damaged.";
            throw new DataException($"{path}: magic number 0x{seen:X8}, expected 0x{magic:X8}. {cure}");
        }

        if (length < header.Length)
        {
            throw new DataException($"{path}: truncated header of {length} bytes, expected {header.Length}. {Cure}");
        }

        int[] shape = new int[dimensions];
        long product = 1;
        for (int i = 0; i < dimensions; i++)
        {
            uint size = BinaryPrimitives.ReadUInt32BigEndian(header[(4 + (4 * i))..]);
            product *= size;
            if (size == 0 || product > Array.MaxLength || (i > 0 && size > MaximumSide))
            {
                string rule = i > 0 ? $"1 to {MaximumSide} rows and columns" : "1 or more examples";
                throw new DataException(
                    $"{path}: size {i + 1} of {dimensions} is {size}, expected {rule}, at most {Array.MaxLength} bytes in all. {Cure}");
            }

            shape[i] = (int)size;
        }

        return shape;
    }

    private static byte[] ReadValues(string path, Stream stream, int[] shape)
    {
        int total = shape.Aggregate(1, (product, size) => product * size);
        byte[] values = new byte[Math.Min(total, TrustedBytes)];
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
                throw new DataException($"{path}: truncated after {read} values, expected {total}. {Cure}");
            }
        }

        return stream.ReadByte() < 0
            ? values
            : throw new DataException($"{path}: more bytes follow the {total} values that the header announces. {Cure}");
    }
}
