namespace Onward.Cli;

/// <summary>The lock of a run's folder, of the operating system, which takes it back when the process that has it ends.</summary>
internal static class RunLock
{
    /// <summary>Name of the file that is locked.</summary>
    internal const string Name = ".lock";

    /// <summary>Takes the lock; null where another process has it. The file stays: a process that deleted it could delete another's.</summary>
    internal static FileStream? TryTake(string folder)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 1);
        }
        catch (IOException) when (File.Exists(path))
        {
            return null;
        }
    }

    /// <summary>Whether a process has the lock, without writing anything.</summary>
    internal static bool IsTaken(string folder)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            using FileStream? free = File.Exists(path) ? new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1) : null;
            return false;
        }
        catch (IOException)
        {
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
