using System.Runtime.InteropServices;

namespace Onward.Cli;

/// <summary>Standard output or standard error of a Unix process, written by the system call.</summary>
/// <remarks>
/// The program does not use Console.Out or Console.Error, because both write terminal control codes to standard output before a result.
/// Console.OpenStandardOutput writes no such codes, but its stream ignores a closed pipe.
/// </remarks>
internal sealed partial class StandardStream : Stream
{
    private const string Library = "libc";
    private const int Output = 1, Error = 2;
    private const int GetDescriptorFlags = 1, CloseOnExec = 1;
    private const int Interrupted = 4, BadDescriptor = 9;
    private const nuint GetWindowSize = 0x5413; // on Linux

    private readonly int _descriptor;
    private readonly bool _isOpen;

    // A descriptor with the close-on-exec flag was not inherited: the caller closed the stream, and this process opened a file with the
    // same number.
    private StandardStream(int descriptor)
    {
        _descriptor = descriptor;
        _isOpen = Control(descriptor, GetDescriptorFlags) is >= 0 and int flags && (flags & CloseOnExec) == 0;
    }

    /// <summary>Opens standard output.</summary>
    internal static Stream OpenOutput() => OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new StandardStream(Output);

    /// <summary>Opens standard error.</summary>
    internal static Stream OpenError() => OperatingSystem.IsWindows() ? Console.OpenStandardError() : new StandardStream(Error);

    /// <summary>The width in columns of the terminal that shows standard output, or null if it goes to a file or pipe.</summary>
    internal static int? OutputWidth => Console.IsOutputRedirected ? null : WidthOf(Output);

    /// <summary>The width in columns of the terminal that shows standard error, or null if it goes to a file or pipe.</summary>
    internal static int? ErrorWidth => Console.IsErrorRedirected ? null : WidthOf(Error);

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!_isOpen)
        {
            throw Fault(BadDescriptor);
        }

        while (buffer.Length > 0)
        {
            nint written = WriteSome(_descriptor, ref MemoryMarshal.GetReference(buffer), buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    break;
                case int busy when busy == TryAgain:
                    Thread.Sleep(1); // the pipe is full, and its reader has made it non-blocking
                    break;
                case int code:
                    throw Fault(code);
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private static int TryAgain => OperatingSystem.IsLinux() ? 11 : 35;

    private static IOException Fault(int code) => new(Marshal.GetPInvokeErrorMessage(code), code);

    // Console.WindowWidth writes control codes too, but outside Linux there is no other portable way.
    private static int? WidthOf(int descriptor)
    {
        if (OperatingSystem.IsLinux())
        {
            return DeviceControl(descriptor, GetWindowSize, out WindowSize size) == 0 && size.Columns > 0 ? size.Columns : null;
        }

        try
        {
            return Console.WindowWidth is > 0 and int width ? width : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteSome(int descriptor, ref byte bytes, nint count);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int descriptor, int command);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    private static partial int DeviceControl(int descriptor, nuint request, out WindowSize size);

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        internal ushort Rows;
        internal ushort Columns;
        internal ushort Width;
        internal ushort Height;
    }
}
