namespace Onward.Data;

/// <summary>Translates the exceptions of reading a file into one-line messages.</summary>
internal static class FileGuard
{
    /// <summary>Remedy for a damaged file.</summary>
    public const string Cure = "Replace it with an intact copy.";

    /// <summary>Reads a file.</summary>
    /// <param name="path">Path of the file, for messages.</param>
    /// <param name="absent">Message, after the path, for a file that does not exist.</param>
    /// <param name="read">Opens and reads the file.</param>
    /// <exception cref="DataException">The file is missing, unreadable or damaged.</exception>
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
            throw new DataException($"{path}: access denied, or not a file. Check its permissions.", fault);
        }
        catch (Exception fault) when (
            fault is InvalidDataException or EndOfStreamException or FormatException or OverflowException or ArgumentException)
        {
            throw new DataException($"{path}: corrupt or truncated, or not a gzip file. {Cure}", fault);
        }
        catch (IOException fault)
        {
            throw new DataException($"{path}: cannot be read: {fault.Message} Check the disk.", fault);
        }
    }
}
