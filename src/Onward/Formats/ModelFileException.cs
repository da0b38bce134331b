namespace Onward.Formats;

/// <summary>
/// A model file or checkpoint is missing, unreadable, damaged or made for another model. The message is one line: where, what,
/// what to do.
/// </summary>
public sealed class ModelFileException : Exception
{
    /// <summary>Creates the exception with its one-line message.</summary>
    public ModelFileException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its one-line message and the exception that caused it.</summary>
    public ModelFileException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>True if a newer version of the library wrote the file, and nothing else is known to be wrong with it.</summary>
    public bool IsOfNewerVersion { get; init; }

    /// <summary>True if the file could not be read here. Its content is unknown and may be intact.</summary>
    public bool IsUnreadable { get; init; }
}
