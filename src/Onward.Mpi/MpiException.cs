namespace Onward.Mpi;

/// <summary>MPI is not there, or refuses to work.</summary>
/// <param name="message">What happened and what to do.</param>
/// <param name="inner">The fault beneath.</param>
public sealed class MpiException(string message, Exception? inner = null) : Exception(message, inner);
