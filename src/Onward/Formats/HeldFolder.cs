using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Onward.Formats;

/// <summary>
/// A folder that is held open. The object refers to the same folder even if it is renamed, and one process at a time can lock
/// it.
/// </summary>
/// <remarks>The folder itself is locked, not a file in it, so nobody can circumvent the lock by deleting a file.</remarks>
public sealed class HeldFolder : IDisposable
{
    // O_CLOEXEC of Linux, then LOCK_SH, LOCK_EX and LOCK_NB of flock.
    private const int CloseOnExecute = 0x80000;
    private const int Shared = 1, Exclusive = 2, AtOnce = 4;

    // EWOULDBLOCK of Linux and of macOS.
    private const int WouldBlock = 11, WouldBlockElsewhere = 35;

    private readonly SafeFileHandle _handle;
    private readonly string? _link; // entry of /proc that leads to the open folder even after it was renamed

    private HeldFolder(string path, SafeFileHandle handle)
    {
        _handle = handle;
        string link = FormattableString.Invariant($"/proc/self/fd/{handle.DangerousGetHandle()}");
        _link = OperatingSystem.IsLinux() && Directory.Exists(link) ? link : null;
        Reach = _link ?? path;
    }

    /// <summary>A path that leads to the folder. On Linux it stays valid when the folder is renamed.</summary>
    public string Reach { get; }

    /// <summary>The current full path of the folder; null if it was deleted, or if the system cannot tell.</summary>
    public string? Path => _link is not null && new FileInfo(_link).LinkTarget is string path && Directory.Exists(path) ? path : null;

    /// <summary>Opens a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <returns>The folder; null if it cannot be opened. Always null on Windows, where a folder with an open file cannot be
    /// renamed.</returns>
    public static HeldFolder? TryOpen(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (OperatingSystem.IsWindows() || !Directory.Exists(path))
        {
            return null;
        }

        int descriptor = NativeMethods.Open(path, OperatingSystem.IsLinux() ? CloseOnExecute : 0);
        return descriptor < 0 ? null : new HeldFolder(path, new SafeFileHandle(descriptor, ownsHandle: true));
    }

    /// <summary>Tries to lock the folder. The lock is released when this object is disposed of or the process ends.</summary>
    /// <param name="shared">True for a lock that several processes may share.</param>
    /// <returns>False if another process holds the lock. True also on a file system that cannot lock folders.</returns>
    public bool TryLock(bool shared = false)
    {
        int kind = shared ? Shared : Exclusive;
        return NativeMethods.Lock(_handle, kind | AtOnce) == 0
            || Marshal.GetLastPInvokeError() != (OperatingSystem.IsLinux() ? WouldBlock : WouldBlockElsewhere);
    }

    /// <summary>Closes the folder and releases the lock.</summary>
    public void Dispose() => _handle.Dispose();
}
