namespace Onward.Cli;

/// <summary>The exception for invalid input: an option, a file or a folder.</summary>
/// <param name="message">One line that says what is wrong, where, and what to do.</param>
/// <param name="inner">The cause, or null.</param>
internal sealed class CommandFault(string message, Exception? inner = null) : RunException(message, inner);
