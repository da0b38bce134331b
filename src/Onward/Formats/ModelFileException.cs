namespace Onward.Formats;

/// <summary>
/// A model's file is missing, unreadable, damaged or made for another model. The message is one line: where, what, what to do.
/// </summary>
public sealed class ModelFileException : Exception
{
    /// <summary>Makes the exception from its one-line message.</summary>
    public ModelFileException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception from its one-line message and the fault beneath it.</summary>
    public ModelFileException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether the file is intact as far as can be told, and a newer version of the library wrote it.</summary>
    public bool IsOfNewerVersion { get; init; }

    /// <summary>True if the file's content is not known, because it could not be read here: it may be intact.</summary>
    public bool IsUnreadable { get; init; }
}
