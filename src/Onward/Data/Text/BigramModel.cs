namespace Onward.Data;

/// <summary>
/// The model that predicts a token from the one before it by counting pairs, with add-one smoothing: p(b | a) = (n(a, b) + 1) / (n(a) + V).
/// It says what a network must beat to have learned more than pairs.
/// </summary>
public sealed class BigramModel
{
    private readonly Dictionary<(ushort, ushort), int> _pairs = [];
    private readonly long[] _firsts;

    /// <summary>Counts the pairs of a text.</summary>
    /// <param name="training">The text.</param>
    public BigramModel(TextSet training)
    {
        ArgumentNullException.ThrowIfNull(training);
        _firsts = new long[training.Classes];
        foreach ((ushort first, ushort second) in PairsOf(training))
        {
            _pairs[(first, second)] = _pairs.GetValueOrDefault((first, second)) + 1;
            _firsts[first]++;
        }
    }

    /// <summary>Computes the mean cross-entropy of the tokens that the windows of a text predict, in bits.</summary>
    /// <param name="text">A text of the same vocabulary.</param>
    public double BitsPerCharacter(TextSet text)
    {
        double bits = 0;
        foreach ((ushort first, ushort second) in PairsOf(text))
        {
            bits += Math.Log2((_firsts[first] + _firsts.Length) / (_pairs.GetValueOrDefault((first, second)) + 1.0));
        }

        return bits / ((double)text.Count * text.Context);
    }

    private static IEnumerable<(ushort First, ushort Second)> PairsOf(TextSet text)
    {
        ReadOnlyMemory<ushort> tokens = text.Tokens;
        for (int i = 0; i < text.Count * text.Context; i++)
        {
            yield return (tokens.Span[i], tokens.Span[i + 1]);
        }
    }
}
