using System.Text.RegularExpressions;

namespace Onward.Fuzz;

/// <summary>An input that a reader does not handle.</summary>
/// <param name="Reader">Name of the reader.</param>
/// <param name="Index">Number of the input.</param>
/// <param name="Kind">Kind of failure, in one or two words.</param>
/// <param name="Detail">Description of the failure.</param>
internal sealed partial record Failure(string Reader, long Index, string Kind, string Detail)
{
    /// <summary>Groups failures with one cause: the kind and the place, without paths and numbers.</summary>
    internal string Cause =>
        Kind is "allocation" or "memory" or "hang"
            ? Kind
            : $"{Kind} {Variable().Replace(string.Join(' ', Detail.Split('\n').Take(2)), "")}";

    [GeneratedRegex(@"/dev/shm\S*|/tmp\S*|'[^']*'|line [0-9]+|[0-9]+")]
    private static partial Regex Variable();
}

/// <summary>Counts of a reader's inputs.</summary>
/// <param name="Index">Number of the current input.</param>
/// <param name="Accepted">Number of inputs that were read.</param>
/// <param name="Refused">Number of inputs that were rejected with a one-line message.</param>
internal sealed record Tally(long Index, long Accepted, long Refused);
