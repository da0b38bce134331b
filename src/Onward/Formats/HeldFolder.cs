using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Onward.Formats;

/// <summary>
/// A folder that is held open. It stays the same folder when its name changes, and one process at a time can lock it. The lock is the
/// folder's own, so no file has to be there for it, and none can be deleted to get around it.
/// </summary>
public sealed class HeldFolder : IDisposable
{
    // O_CLOEXEC of Linux; of flock LOCK_SH, LOCK_EX and LOCK_NB.
    private const int CloseOnExecute = 0x80000;
    private const int Shared = 1, Exclusive = 2, AtOnce = 4;

    // EWOULDBLOCK of Linux and of macOS.
    private const int WouldBlock = 11, WouldBlockElsewhere = 35;

    private readonly SafeFileHandle _handle;
    private readonly string? _link; // the system's own name of the open folder, which leads to it wherever it is

    private HeldFolder(string path, SafeFileHandle handle)
    {
        _handle = handle;
        string link = FormattableString.Invariant($"/proc/self/fd/{handle.DangerousGetHandle()}");
        _link = OperatingSystem.IsLinux() && Directory.Exists(link) ? link : null;
        Reach = _link ?? path;
    }

    /// <summary>A path that leads to the folder; on Linux under whatever name it has by then.</summary>
    public string Reach { get; }

    /// <summary>The full path that the folder has now; null where it was deleted, or where the system does not tell.</summary>
    public string? Path => _link is not null && new FileInfo(_link).LinkTarget is string path && Directory.Exists(path) ? path : null;

    /// <summary>Opens a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <returns>The folder; null where it cannot be opened, as on Windows, which lets nobody rename a folder with an open file.</returns>
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

    /// <summary>Takes the lock, which ends with this object or with the process.</summary>
    /// <param name="shared">True to share the lock with others that share it.</param>
    /// <returns>False if another has it. True also on a file system that locks no folders.</returns>
    public bool TryLock(bool shared = false)
    {
        int kind = shared ? Shared : Exclusive;
        return NativeMethods.Lock(_handle, kind | AtOnce) == 0
            || Marshal.GetLastPInvokeError() != (OperatingSystem.IsLinux() ? WouldBlock : WouldBlockElsewhere);
    }

    /// <summary>Closes the folder and gives the lock back.</summary>
    public void Dispose() => _handle.Dispose();
}
