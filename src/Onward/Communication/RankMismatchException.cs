namespace Onward.Communication;

/// <summary>Processes that should agree do not. All of them throw this exception at the same place.</summary>
/// <param name="message">One line: what differs, and in which processes.</param>
public sealed class RankMismatchException(string message) : Exception(message);
