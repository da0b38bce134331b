using System.Text.RegularExpressions;

namespace Onward.Fuzz;

/// <summary>An input that a reader does not stand.</summary>
/// <param name="Reader">The reader.</param>
/// <param name="Index">The number of the input.</param>
/// <param name="Kind">What happened, in a word or two.</param>
/// <param name="Detail">The same at length.</param>
internal sealed partial record Failure(string Reader, long Index, string Kind, string Detail)
{
    /// <summary>What failures of one cause have in common: what happened and where, without paths and numbers.</summary>
    internal string Cause =>
        Kind is "allocation" or "memory" or "hang"
            ? Kind
            : $"{Kind} {Variable().Replace(string.Join(' ', Detail.Split('\n').Take(2)), "")}";

    [GeneratedRegex(@"/dev/shm\S*|/tmp\S*|'[^']*'|line [0-9]+|[0-9]+")]
    private static partial Regex Variable();
}

/// <summary>How inputs of a reader went.</summary>
/// <param name="Index">The input under way.</param>
/// <param name="Accepted">Inputs that read well.</param>
/// <param name="Refused">Inputs that were refused in one line.</param>
internal sealed record Tally(long Index, long Accepted, long Refused);
