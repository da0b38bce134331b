namespace Onward.Runs;

/// <summary>A run cannot be begun, continued or read as asked: wrong settings, wrong data, or a folder in a bad state.</summary>
/// <param name="message">One sentence or two: what is wrong, where, what to do.</param>
/// <param name="inner">The fault beneath.</param>
public class RunException(string message, Exception? inner = null) : Exception(message, inner);
