namespace Onward.Mpi;

/// <summary>MPI is missing or does not work.</summary>
/// <param name="message">One line: what happened and what to do.</param>
/// <param name="inner">The exception that caused it.</param>
public sealed class MpiException(string message, Exception? inner = null) : Exception(message, inner);
