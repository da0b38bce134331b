using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Onward.Formats;

/// <summary>The calls of a Unix system that .NET has no methods for.</summary>
internal static partial class NativeMethods
{
    private const string Library = "libc";

    /// <summary>Opens a file or a folder; below 0 where the system refuses.</summary>
    [LibraryImport(Library, EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    /// <summary>Writes what the system still holds in memory to the disk.</summary>
    [LibraryImport(Library, EntryPoint = "fsync")]
    internal static partial int Flush(int descriptor);

    /// <summary>Closes a descriptor.</summary>
    [LibraryImport(Library, EntryPoint = "close")]
    internal static partial int Close(int descriptor);

    /// <summary>Takes or gives back the lock of an open file or folder; 0 if it was done.</summary>
    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    internal static partial int Lock(SafeFileHandle descriptor, int operation);

    /// <summary>Waits until a descriptor is ready; the number of ready ones, 0 when the time is up.</summary>
    [LibraryImport(Library, EntryPoint = "poll")]
    internal static partial int Poll(ref PollRequest wait, nuint count, int milliseconds);

    /// <summary>The pollfd of every Unix.</summary>
    internal struct PollRequest
    {
        internal int Descriptor;
        internal short Asked;
        internal short Seen;
    }
}
