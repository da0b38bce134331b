
namespace Onward.Formats;

/// <summary>Writes files atomically: after a crash of the program or the machine, a file is either complete or absent.</summary>
public static class DurableFile
{
    /// <summary>Extension of a file that is being written. Such a file may be deleted if the program that wrote it is gone.</summary>
    public const string PartialExtension = ".partial";

    /// <summary>Writes a file, or leaves an existing file intact if writing fails.</summary>
    /// <remarks>
    /// The bytes go to a temporary file in the same folder. When they have reached the disk, the file is renamed. The new name
    /// is flushed to the disk too, if the system allows flushing folders.
    /// </remarks>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="write">Writes the bytes.</param>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the folder is denied.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        string partial = $"{path}.{Path.GetRandomFileName()}{PartialExtension}";
        try
        {
            // The file stays open until it is renamed, so that DeletePartial in another program sees that it is in use.
            using FileStream file = new(partial, FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete);
            write(file);
            file.Flush(flushToDisk: true);
            File.Move(partial, path, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }

        FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>
    /// Deletes the partial files that killed programs left in a folder. A file that another program is still writing is kept.
    /// </summary>
    /// <param name="folder">The folder; it may be missing.</param>
    /// <exception cref="IOException">A file cannot be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the folder is denied.</exception>
    public static void DeletePartial(string folder)
    {
        if (Directory.Exists(folder))
        {
            foreach (string partial in Directory.GetFiles(folder, "*" + PartialExtension).Where(partial => !IsInUse(partial)))
            {
                File.Delete(partial);
            }
        }
    }

    private static bool IsInUse(string partial)
    {
        try
        {
            using FileStream free = new(partial, FileMode.Open, FileAccess.Read, FileShare.None);
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (IOException fault) when (DiskFault.IsLocked(fault))
        {
            return true;
        }
    }

    // .NET cannot open folders. Failing to flush the folder is harmless: the file is complete, under its old or its new name.
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        // A folder can only be opened for reading, which is flag 0 on every Unix.
        int descriptor = NativeMethods.Open(folder, flags: 0);
        if (descriptor >= 0)
        {
            _ = NativeMethods.Flush(descriptor);
            _ = NativeMethods.Close(descriptor);
        }
    }
}
