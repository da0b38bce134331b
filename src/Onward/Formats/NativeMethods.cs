using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Onward.Formats;

/// <summary>Unix system calls that .NET does not offer.</summary>
internal static partial class NativeMethods
{
    private const string Library = "libc";

    /// <summary>Opens a file or a folder. Returns a descriptor, or a negative number on failure.</summary>
    [LibraryImport(Library, EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    /// <summary>Flushes a file's data from memory to the disk.</summary>
    [LibraryImport(Library, EntryPoint = "fsync")]
    internal static partial int Flush(int descriptor);

    /// <summary>Closes a descriptor.</summary>
    [LibraryImport(Library, EntryPoint = "close")]
    internal static partial int Close(int descriptor);

    /// <summary>Locks or unlocks an open file or folder. Returns 0 on success.</summary>
    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    internal static partial int Lock(SafeFileHandle descriptor, int operation);

    /// <summary>Waits until a descriptor is ready. Returns the number of ready descriptors, or 0 on timeout.</summary>
    [LibraryImport(Library, EntryPoint = "poll")]
    internal static partial int Poll(ref PollRequest wait, nuint count, int milliseconds);

    /// <summary>The <c>pollfd</c> structure, equal on every Unix.</summary>
    internal struct PollRequest
    {
        internal int Descriptor;
        internal short Asked;
        internal short Seen;
    }
}
