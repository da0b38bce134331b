using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Onward.Formats;

/// <summary>
/// Opens files for reading without ever blocking: a pipe in place of a file is rejected, unless the caller asks for pipes.
/// </summary>
public static class InputFile
{
    // Limit for pipes, because the writer of a pipe may never stop.
    private const long MostPiped = 1L << 30;

    // O_RDONLY, O_NONBLOCK and O_CLOEXEC.
    private const int OnLinux = 0x80800, OnMac = 0x1000004;

    // POLLIN.
    private const short Readable = 1;

    // Flags to open a file without blocking; 0 on systems whose folders contain no pipes.
    private static readonly int Flags = OperatingSystem.IsLinux() ? OnLinux : OperatingSystem.IsMacOS() ? OnMac : 0;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bufferSize">Bytes of the stream's buffer; 1 for none.</param>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Access is denied, or the path is a folder or a pipe.</exception>
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

    /// <summary>Reads a file as text, in UTF-8 or the encoding of its byte order mark.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Access is denied, or the path is a folder or a pipe.</exception>
    public static string ReadText(string path)
    {
        using FileStream file = Open(path);

        // A device such as /dev/zero has length 0 but never ends.
        return file.Length == 0 ? "" : Decode(file);
    }

    /// <summary>Reads a pipe to its end. Returns null if the path is not a pipe.</summary>
    /// <param name="path">A path given by the user: a file, or a pipe such as <c>/dev/stdin</c>.</param>
    /// <param name="cancellation">Cancels the wait for data.</param>
    /// <exception cref="IOException">The pipe is missing or cannot be read, or more than a gigabyte arrived.</exception>
    /// <exception cref="UnauthorizedAccessException">Access is denied, or the path is a folder.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public static byte[]? TryReadPipe(string path, CancellationToken cancellation)
    {
        using FileStream pipe = OpenAnything(path, bufferSize: 1);
        return pipe.CanSeek ? null : ReadToEnd(pipe, cancellation);
    }

    /// <summary>Reads the text of a file or a pipe that the user named.</summary>
    /// <param name="path">The file or the pipe.</param>
    /// <param name="cancellation">Cancels the wait for data.</param>
    /// <exception cref="IOException">The file or the pipe is missing or cannot be read, or more than a gigabyte arrived.</exception>
    /// <exception cref="UnauthorizedAccessException">Access is denied, or the path is a folder.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public static string ReadNamedText(string path, CancellationToken cancellation) =>
        TryReadPipe(path, cancellation) is byte[] piped ? Decode(new MemoryStream(piped)) : ReadText(path);

    // The pipe is non-blocking. Before its first writer opens it, it would seem to be at its end.
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

    // Waits until there is data to read, or until the last writer has closed the pipe.
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

    // When .NET opens a pipe, it waits for a writer. Here the system is told not to wait.
    private static FileStream OpenAnything(string path, int bufferSize)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        int descriptor = Flags == 0 ? -1 : NativeMethods.Open(path, Flags);
        if (descriptor < 0)
        {
            // If the system refuses, .NET refuses too and throws the matching exception.
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
