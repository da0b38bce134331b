using System.Runtime.InteropServices;

namespace Onward.Cli;

/// <summary>Standard output or standard error of a Unix process, written by the system's own call.</summary>
/// <remarks>
/// The program never asks for Console.Out or Console.Error: either one sends codes that set up the terminal to standard output, in front of
/// a
/// result. The stream of Console.OpenStandardOutput sends none, but takes a closed pipe for success.
/// </remarks>
internal sealed partial class StandardStream : Stream
{
    private const string Library = "libc";
    private const int Output = 1, Error = 2;
    private const int GetDescriptorFlags = 1, CloseOnExec = 1;
    private const int Interrupted = 4, BadDescriptor = 9;
    private const nuint GetWindowSize = 0x5413; // Linux's number

    private readonly int _descriptor;
    private readonly bool _isOpen;

    // A descriptor that closes on exec cannot come from the caller: the caller closed its own, and this process opened a file there.
    private StandardStream(int descriptor)
    {
        _descriptor = descriptor;
        _isOpen = Control(descriptor, GetDescriptorFlags) is >= 0 and int flags && (flags & CloseOnExec) == 0;
    }

    /// <summary>Opens standard output.</summary>
    internal static Stream OpenOutput() => OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new StandardStream(Output);

    /// <summary>Opens standard error.</summary>
    internal static Stream OpenError() => OperatingSystem.IsWindows() ? Console.OpenStandardError() : new StandardStream(Error);

    /// <summary>Columns of the terminal that standard output goes to; null if it goes elsewhere.</summary>
    internal static int? OutputWidth => Console.IsOutputRedirected ? null : WidthOf(Output);

    /// <summary>Columns of the terminal that standard error goes to; null if it goes elsewhere.</summary>
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
                    Thread.Sleep(1); // a pipe that its other end made non-blocking is full
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

    // Console.WindowWidth sets the terminal up too; outside Linux there is no other portable way.
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
