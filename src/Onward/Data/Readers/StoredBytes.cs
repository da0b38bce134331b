namespace Onward.Data;

/// <summary>Bytes that are read where they lie, in a file or in memory. Several threads may read at once.</summary>
internal sealed class StoredBytes
{
    private readonly string _path = "";
    private readonly FileStream? _file;
    private readonly long _start;
    private readonly byte[] _memory = [];

    /// <summary>Refers to bytes in memory.</summary>
    internal StoredBytes(byte[] memory) => (_memory, Length) = (memory, memory.Length);

    /// <summary>Refers to a part of a file. The file stays open as long as something refers to it.</summary>
    /// <param name="path">Path of the file, for messages.</param>
    /// <param name="file">The file.</param>
    /// <param name="start">Where the part begins.</param>
    /// <param name="length">Bytes of the part.</param>
    internal StoredBytes(string path, FileStream file, long start, long length) =>
        (_path, _file, _start, Length) = (path, file, start, length);

    internal long Length { get; }

    /// <summary>Reads bytes.</summary>
    /// <param name="offset">Where to begin, from the start of the part.</param>
    /// <param name="bytes">Receives the bytes.</param>
    /// <exception cref="DataException">The file became shorter, or cannot be read.</exception>
    internal void Read(long offset, Span<byte> bytes)
    {
        if (_file is null)
        {
            _memory.AsSpan((int)offset, bytes.Length).CopyTo(bytes);
            return;
        }

        try
        {
            while (!bytes.IsEmpty)
            {
                int read = RandomAccess.Read(_file.SafeFileHandle, bytes, _start + offset);
                if (read == 0)
                {
                    throw new DataException($"{_path}: the file became shorter while it was read. {FileGuard.Cure}");
                }

                offset += read;
                bytes = bytes[read..];
            }
        }
        catch (IOException fault)
        {
            throw new DataException($"{_path}: cannot be read: {fault.Message} Check the disk.", fault);
        }
    }
}
