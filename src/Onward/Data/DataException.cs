namespace Onward.Data;

/// <summary>
/// A data file or folder is missing, unreadable or damaged. The message is one line: what, where, what was expected, what to do.
/// </summary>
public sealed class DataException : Exception
{
    /// <summary>Makes the exception from its one-line message.</summary>
    public DataException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception from its one-line message and the fault beneath it.</summary>
    public DataException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
