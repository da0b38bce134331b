using System.Text;

namespace Onward.Data;

/// <summary>The characters that a model of text knows, each a Unicode scalar value, with their indices.</summary>
public sealed class Vocabulary
{
    private readonly Dictionary<Rune, ushort> _indices = [];

    /// <summary>Numbers characters in their order.</summary>
    /// <param name="characters">Each a single Unicode scalar value, all different.</param>
    /// <exception cref="ArgumentException">A character is none, or stands twice, or there are more than 65,536.</exception>
    public Vocabulary(IReadOnlyList<string> characters)
    {
        ArgumentNullException.ThrowIfNull(characters);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(characters.Count, ushort.MaxValue + 1);
        foreach ((int index, string character) in characters.Index())
        {
            if (string.IsNullOrEmpty(character) || !Rune.TryGetRuneAt(character, 0, out Rune rune)
                || rune.Utf16SequenceLength != character.Length || !_indices.TryAdd(rune, (ushort)index))
            {
                throw new ArgumentException($"A vocabulary has single characters, all different; number {index} is '{character}'.");
            }
        }

        Characters = characters;
    }

    /// <summary>The characters by their indices.</summary>
    public IReadOnlyList<string> Characters { get; }

    /// <summary>Collects the characters of a text, in the order of their code points.</summary>
    /// <param name="text">The text.</param>
    public static Vocabulary Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        HashSet<Rune> found = [];
        foreach (Rune rune in text.EnumerateRunes())
        {
            found.Add(rune);
        }

        return new Vocabulary([.. found.Order().Select(rune => rune.ToString())]);
    }

    /// <summary>Finds the index of each character of a text.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="DataException">The vocabulary lacks a character; the message names it and its place.</exception>
    public ushort[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<ushort> indices = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            indices.Add(_indices.TryGetValue(rune, out ushort index)
                ? index
                : throw new DataException($"character {indices.Count + 1} is {Name(rune)}, which the model's text does not have."));
        }

        return [.. indices];
    }

    /// <summary>Names a character for a message, invisible ones by their numbers.</summary>
    /// <param name="character">A single Unicode scalar value.</param>
    public static string Name(string character) => Name(Rune.GetRuneAt(character, 0));

    private static string Name(Rune rune) =>
        Rune.IsControl(rune) || Rune.IsWhiteSpace(rune) ? $"U+{rune.Value:X4}" : $"'{rune}' (U+{rune.Value:X4})";
}
