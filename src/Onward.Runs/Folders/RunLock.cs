using Onward.Formats;

namespace Onward.Runs;

/// <summary>
/// The lock of a run's folder, of the operating system, which takes it back when the process that has it ends. Both the folder and a
/// file in it are locked: the file alone could be deleted, and not every system locks folders.
/// </summary>
internal sealed class RunLock : IDisposable
{
    /// <summary>Name of the file that is locked.</summary>
    internal const string Name = ".lock";

    private readonly FileStream _file;

    private RunLock(HeldFolder? folder, FileStream file) => (Folder, _file) = (folder, file);

    /// <summary>The folder; null on a system that opens none.</summary>
    internal HeldFolder? Folder { get; }

    /// <summary>Takes the lock; null where another process has it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="deletes">
    /// True to delete the file in the end. Where the system locks no folders, another process could then lock a file that is gone.
    /// </param>
    /// <exception cref="IOException">The folder cannot be written, or the file is a link.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    internal static RunLock? TryTake(string folder, bool deletes = false)
    {
        string path = Path.Combine(folder, Name);
        RequireNoLink(path);
        HeldFolder? held = HeldFolder.TryOpen(folder);
        try
        {
            if (held is null || held.TryLock())
            {
                FileOptions options = deletes ? FileOptions.DeleteOnClose : FileOptions.None;
                FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 1, options);
                RunLock taken = new(held, file);
                held = null;
                return taken;
            }
        }
        catch (IOException fault) when (DiskFault.IsLocked(fault))
        {
        }
        finally
        {
            held?.Dispose();
        }

        return null;
    }

    /// <summary>Refuses a symbolic link where a run creates or deletes files: its target does not belong to the run.</summary>
    /// <exception cref="IOException">There is a link.</exception>
    internal static void RequireNoLink(string path)
    {
        if (new FileInfo(path).LinkTarget is string target)
        {
            const string Cure = "Put what it leads to in its place, or remove the link.";
            throw new IOException($"{path} is a symbolic link to {target}; a run keeps its files in its own folder. {Cure}");
        }
    }

    /// <summary>True if a process has the lock; writes nothing.</summary>
    internal static bool IsTaken(string folder)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            using HeldFolder? held = HeldFolder.TryOpen(folder);
            using FileStream? free = File.Exists(path) ? new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1) : null;
            return held is not null && !held.TryLock(shared: true);
        }
        catch (IOException fault)
        {
            return DiskFault.IsLocked(fault);
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose()
    {
        _file.Dispose();
        Folder?.Dispose();
    }
}
