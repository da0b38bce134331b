namespace Onward.Fuzz;

/// <summary>An input that a reader does not stand.</summary>
/// <param name="Reader">The reader.</param>
/// <param name="Index">The number of the input.</param>
/// <param name="Kind">What happened, in a word or two.</param>
/// <param name="Detail">The same at length.</param>
internal sealed record Failure(string Reader, long Index, string Kind, string Detail)
{
    /// <summary>What failures of one cause have in common: the kind, and the first lines of what is known of it.</summary>
    internal string Cause => $"{Kind}: {string.Join(' ', Detail.Split('\n').Where(line => !line.Contains("Onward.Fuzz", StringComparison.Ordinal)).Take(3).Select(line => line.Trim()))}";
}

/// <summary>How inputs of a reader went.</summary>
/// <param name="Index">The input under way.</param>
/// <param name="Accepted">Inputs that read well.</param>
/// <param name="Refused">Inputs that were refused in one line.</param>
internal sealed record Tally(long Index, long Accepted, long Refused);
