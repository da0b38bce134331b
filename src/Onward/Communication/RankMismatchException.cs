namespace Onward.Communication;

/// <summary>Processes that should be alike are not; all of them find so in the same place.</summary>
/// <param name="message">Which differ, and in what.</param>
public sealed class RankMismatchException(string message) : Exception(message);
