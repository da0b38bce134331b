namespace Onward.Runs;

/// <summary>A run cannot be begun, continued or read as asked: wrong settings, wrong data, or a folder in a bad state.</summary>
public class RunException : Exception
{
    private readonly Func<HostWords, string> _message;

    /// <summary>Creates the fault.</summary>
    /// <param name="message">One sentence or two: the fault, its place, and the remedy.</param>
    /// <param name="inner">The fault beneath.</param>
    public RunException(string message, Exception? inner = null)
        : this(_ => message, inner)
    {
    }

    /// <summary>Creates a fault whose message names settings or remedies.</summary>
    /// <param name="message">Makes the message with the host's words.</param>
    /// <param name="inner">The fault beneath.</param>
    internal RunException(Func<HostWords, string> message, Exception? inner = null)
        : base(message(HostWords.OfProgram), inner) => _message = message;

    /// <summary>The message in the words of a host.</summary>
    internal string In(HostWords words) => _message(words);

    /// <summary>The message of an exception, without the name of a parameter.</summary>
    internal static string Sentence(Exception fault) => fault.Message.Split(" (Parameter")[0];
}
