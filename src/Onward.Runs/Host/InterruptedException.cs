namespace Onward.Runs;

/// <summary>The user ended a run under way.</summary>
/// <param name="message">What is left of it, and where.</param>
/// <param name="inner">The cancellation.</param>
internal sealed class InterruptedException(string message, OperationCanceledException inner) : Exception(message, inner);
