namespace Onward.Data;

/// <summary>
/// A data file or folder is missing, unreadable or damaged. The message is one line: the place, the fault, the expectation, the
/// remedy.
/// </summary>
public sealed class DataException : Exception
{
    /// <summary>Creates the exception with its one-line message.</summary>
    public DataException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its one-line message and the exception that caused it.</summary>
    public DataException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
