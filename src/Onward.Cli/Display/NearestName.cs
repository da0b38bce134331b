namespace Onward.Cli;

/// <summary>Suggests the name that a mistyped name most likely stands for.</summary>
internal static class NearestName
{
    /// <summary>Returns the end of a sentence that suggests the nearest name, or a full stop if no name is near.</summary>
    /// <param name="typed">The mistyped name.</param>
    /// <param name="names">The valid names.</param>
    internal static string Suggest(string typed, IEnumerable<string> names)
    {
        string upper = typed.ToUpperInvariant();
        (string name, int distance) = names.Select(name => (name, Distance(upper, name.ToUpperInvariant()))).MinBy(pair => pair.Item2);
        return name is not null && distance <= (typed.Length < 4 ? 1 : Math.Max(2, typed.Length / 3)) ? $"; did you mean '{name}'?" : ".";
    }

    // The Levenshtein distance, or 0 for the start of a name.
    private static int Distance(string from, string to)
    {
        if (from.Length > 2 && to.StartsWith(from, StringComparison.Ordinal))
        {
            return 0;
        }

        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
