
namespace Onward.Formats;

/// <summary>Writes files that are whole or not there, whenever the program or the machine stops.</summary>
public static class DurableFile
{
    /// <summary>How the name of a file under way ends; one that a killed program left may be deleted.</summary>
    public const string PartialExtension = ".partial";

    /// <summary>
    /// Writes a file, or leaves the file that was there: the bytes go to a temporary file in the same folder, reach the
    /// disk, and only then take the name, which reaches the disk too where the system lets folders be flushed.
    /// </summary>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="write">Writes the bytes.</param>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        string partial = $"{path}.{Path.GetRandomFileName()}{PartialExtension}";
        try
        {
            // Open until it has its name, so that DeletePartial of another program knows it to be in use.
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

    /// <summary>Deletes the files that killed programs had under way in a folder; a file that a program is writing stays.</summary>
    /// <param name="folder">The folder; it may be missing.</param>
    /// <exception cref="IOException">A file cannot be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
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

    // .NET opens no folders. A folder that cannot be flushed is no fault: the file in it is whole, under its old name or its new.
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        // Reading alone, the only way to open a folder, is flag 0 on every Unix.
        int descriptor = NativeMethods.Open(folder, flags: 0);
        if (descriptor >= 0)
        {
            _ = NativeMethods.Flush(descriptor);
            _ = NativeMethods.Close(descriptor);
        }
    }
}
