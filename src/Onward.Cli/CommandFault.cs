namespace Onward.Cli;

/// <summary>The command cannot be done as given.</summary>
/// <param name="message">One sentence or two: what is wrong, where, what to do.</param>
/// <param name="inner">The fault beneath.</param>
internal sealed class CommandFault(string message, Exception? inner = null) : RunException(message, inner);
