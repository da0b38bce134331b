namespace Onward.Data;

/// <summary>Says in one line why a file cannot be read.</summary>
internal static class FileGuard
{
    /// <summary>What to do about a damaged file.</summary>
    public const string Cure = "Replace it with an intact copy.";

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="absent">What is said, after its path, of a file that is not there.</param>
    /// <param name="read">Opens and reads it.</param>
    /// <exception cref="DataException">It is missing, unreadable or damaged.</exception>
    public static T Read<T>(string path, string absent, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataException($"{path}: {absent}", fault);
        }
        catch (UnauthorizedAccessException fault)
        {
            throw new DataException($"{path}: may not be read, or is not a file. Check its permissions.", fault);
        }
        catch (Exception fault) when (
            fault is InvalidDataException or EndOfStreamException or FormatException or OverflowException or ArgumentException)
        {
            throw new DataException($"{path}: corrupt or truncated, or no gzip file. {Cure}", fault);
        }
        catch (IOException fault)
        {
            throw new DataException($"{path}: cannot be read: {fault.Message} Check the disk.", fault);
        }
    }
}
