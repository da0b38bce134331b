using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Onward.Formats;

/// <summary>
/// Opens files for reading, and never waits for one: a pipe in the place of a file is refused, or read where it was named.
/// </summary>
public static class InputFile
{
    // Whoever writes to a pipe may never end.
    private const long MostPiped = 1L << 30;

    // O_RDONLY, O_NONBLOCK and O_CLOEXEC.
    private const int OnLinux = 0x80800, OnMac = 0x1000004;

    // POLLIN.
    private const short Readable = 1;

    // How a file is opened without waiting; 0 where folders hold no pipes.
    private static readonly int Flags = OperatingSystem.IsLinux() ? OnLinux : OperatingSystem.IsMacOS() ? OnMac : 0;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bufferSize">Bytes of the stream's buffer; 1 for none.</param>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a folder or a pipe.</exception>
    public static FileStream Open(string path, int bufferSize = 4096)
    {
        FileStream file = OpenAnything(path, bufferSize);
        if (file.CanSeek)
        {
            return file;
        }

        file.Dispose();
        throw new UnauthorizedAccessException($"{path} is a pipe or a terminal, not a file.");
    }

    /// <summary>Reads a file as text: UTF-8, or what its byte order mark says.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a folder or a pipe.</exception>
    public static string ReadText(string path)
    {
        using FileStream file = Open(path);

        // A device such as /dev/zero has no length and no end.
        return file.Length == 0 ? "" : Decode(file);
    }

    /// <summary>Reads a pipe to its end; null where the path is no pipe.</summary>
    /// <param name="path">What the user named: a file or a pipe, as <c>/dev/stdin</c> may be.</param>
    /// <param name="cancellation">Ends the wait for what others write.</param>
    /// <exception cref="IOException">It is missing or cannot be read, or more than a gigabyte came.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a folder.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public static byte[]? TryReadPipe(string path, CancellationToken cancellation)
    {
        using FileStream pipe = OpenAnything(path, bufferSize: 1);
        return pipe.CanSeek ? null : ReadToEnd(pipe, cancellation);
    }

    /// <summary>Reads the text of a file or a pipe that the user named.</summary>
    /// <param name="path">The file or the pipe.</param>
    /// <param name="cancellation">Ends the wait for what others write.</param>
    /// <exception cref="IOException">It is missing or cannot be read, or more than a gigabyte came.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a folder.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public static string ReadNamedText(string path, CancellationToken cancellation) =>
        TryReadPipe(path, cancellation) is byte[] piped ? Decode(new MemoryStream(piped)) : ReadText(path);

    // The pipe was opened not to wait: before its first writer it would seem to be at its end.
    private static byte[] ReadToEnd(FileStream pipe, CancellationToken cancellation)
    {
        using MemoryStream content = new();
        byte[] part = new byte[1 << 16];
        while (!IsAtEnd(pipe.SafeFileHandle, cancellation) && pipe.Read(part) is > 0 and int read)
        {
            content.Write(part, 0, read);
            if (content.Length > MostPiped)
            {
                throw new IOException($"more than {MostPiped} bytes came through the pipe.");
            }
        }

        return content.ToArray();
    }

    // Waits until there is something to read, or the last writer has closed the pipe.
    private static bool IsAtEnd(SafeFileHandle pipe, CancellationToken cancellation)
    {
        NativeMethods.PollRequest wait = new() { Descriptor = (int)pipe.DangerousGetHandle(), Asked = Readable };
        while (Flags != 0 && NativeMethods.Poll(ref wait, 1, milliseconds: 100) <= 0)
        {
            cancellation.ThrowIfCancellationRequested();
        }

        return Flags != 0 && (wait.Seen & Readable) == 0;
    }

    private static string Decode(Stream stream)
    {
        using StreamReader reader = new(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: true);
        return reader.ReadToEnd();
    }

    // .NET waits for the writer of a pipe that it opens; here the system is told not to.
    private static FileStream OpenAnything(string path, int bufferSize)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        int descriptor = Flags == 0 ? -1 : NativeMethods.Open(path, Flags);
        if (descriptor < 0)
        {
            // What the system refuses, .NET refuses too, and says why.
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize);
        }

        FileStream file = new(new SafeFileHandle(descriptor, ownsHandle: true), FileAccess.Read, bufferSize);
        if (Directory.Exists(path))
        {
            file.Dispose();
            throw new UnauthorizedAccessException($"{path} is a folder, not a file.");
        }

        return file;
    }
}
