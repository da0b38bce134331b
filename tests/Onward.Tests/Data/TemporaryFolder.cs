using System.Buffers.Binary;
using System.IO.Compression;

namespace Onward.Tests.Data;

/// <summary>A temporary folder for one test, with small IDX files in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("onward-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public static byte[] Images(int count, int height = 2, int width = 3)
    {
        byte[] file = Header(0x803, count, height, width, count * height * width);
        for (int i = 16; i < file.Length; i++)
        {
            file[i] = (byte)(i * 7);
        }

        return file;
    }

    /// <summary>Images of two rows and three columns; the bytes after the header are 0, 7, 14 ... [example, row, column, channel]</summary>
    public static byte[] Colours(int count, int channels)
    {
        byte[] file = new byte[20 + (count * 6 * channels)];
        Header(0x804, count, 2, 3, 0).CopyTo(file, 0);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), channels);
        for (int i = 20; i < file.Length; i++)
        {
            file[i] = (byte)((i - 20) * 7);
        }

        return file;
    }

    public static byte[] Labels(params byte[] labels)
    {
        byte[] file = new byte[8 + labels.Length];
        BinaryPrimitives.WriteUInt32BigEndian(file, 0x801);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4), labels.Length);
        labels.CopyTo(file, 8);
        return file;
    }

    public static byte[] Header(uint magic, int count, int height, int width, int body)
    {
        byte[] file = new byte[16 + body];
        BinaryPrimitives.WriteUInt32BigEndian(file, magic);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4), count);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(8), height);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(12), width);
        return file;
    }

    public static byte[] Gzip(byte[] plain)
    {
        using MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, CompressionLevel.Fastest))
        {
            gzip.Write(plain);
        }

        return compressed.ToArray();
    }

    public string Write(string name, byte[] content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    public void WriteMnist(string prefix = "", string suffix = "")
    {
        Func<byte[], byte[]> pack = suffix == ".gz" ? Gzip : plain => plain;
        Write($"{prefix}train-images-idx3-ubyte{suffix}", pack(Images(3)));
        Write($"{prefix}train-labels-idx1-ubyte{suffix}", pack(Labels(1, 2, 3)));
        Write($"{prefix}t10k-images-idx3-ubyte{suffix}", pack(Images(2)));
        Write($"{prefix}t10k-labels-idx1-ubyte{suffix}", pack(Labels(4, 5)));
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
