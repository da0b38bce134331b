using System.Text;
using Onward.Formats;

namespace Onward.Data;

/// <summary>
/// Reads a text for a model that predicts characters: a file, or all .txt and .md files of a folder, in UTF-8. The first nine tenths are
/// the training set, then a twentieth each for validation and test.
/// </summary>
public static class TextFiles
{
    // Decoded, a text takes two bytes for each of these.
    private const long MostBytes = 1 << 30;

    private const int Parts = 20;

    private static readonly string[] Extensions = [".txt", ".md"];

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a text and divides it. The vocabulary is the characters that occur; the class names are the characters.</summary>
    /// <param name="path">The file, or the folder, whose files follow in the order of their names.</param>
    /// <param name="context">Characters of a window, at least 1.</param>
    /// <exception cref="DataException">
    /// A file is missing, unreadable or not UTF-8, the folder has no texts, or the text is too short or has a single character.
    /// </exception>
    public static ImageDataset Load(string path, int context)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(context, 1);
        string text = ReadAll(path);
        Vocabulary vocabulary = VocabularyOf(path, text);
        ReadOnlyMemory<ushort> tokens = vocabulary.Encode(text);
        int part = tokens.Length / Parts, training = tokens.Length - (2 * part);
        if (TextSet.WindowsOf(part, context) == 0)
        {
            throw new DataException(
                $"{path}: {tokens.Length} characters are too few: a twentieth is for validation and must have more than the {context} "
                + $"of a window. Name a text of at least {(long)Parts * (context + 1)} characters, or take a shorter context.");
        }

        int classes = vocabulary.Characters.Count;
        return new ImageDataset(
            "text",
            new TextSet(tokens[..training], context, classes),
            new TextSet(tokens[(training + part)..], context, classes),
            [0],
            [1],
            path)
        {
            Validation = new TextSet(tokens.Slice(training, part), context, classes),
            ClassNames = vocabulary.Characters,
        };
    }

    /// <summary>Reads a file or the texts of a folder. Ends of lines become line feeds.</summary>
    /// <param name="path">The file or the folder.</param>
    /// <exception cref="DataException">A file is missing, unreadable or not UTF-8, or the folder has no texts.</exception>
    internal static string ReadAll(string path)
    {
        if (!Directory.Exists(path))
        {
            return Read(path);
        }

        string[] files =
        [
            .. Directory.EnumerateFiles(path, "*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true })
                .Where(file => Extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
                .Order(StringComparer.Ordinal),
        ];
        return files.Length > 0
            ? string.Join('\n', files.Select(Read))
            : throw new DataException($"{path}: no .txt or .md file in the folder. Name a folder with texts, or a file.");
    }

    private static Vocabulary VocabularyOf(string path, string text)
    {
        try
        {
            Vocabulary vocabulary = Vocabulary.Of(text);
            return vocabulary.Characters.Count >= 2
                ? vocabulary
                : throw new DataException($"{path}: a text needs at least two different characters. Name another file.");
        }
        catch (ArgumentOutOfRangeException fault)
        {
            throw new DataException($"{path}: more than 65536 different characters. Name a text in fewer scripts.", fault);
        }
    }

    private static string Read(string path) => FileGuard.Read(path, "no such file. Name a text file, or a folder with texts.", () =>
    {
        using FileStream file = InputFile.Open(path);
        if (file.Length > MostBytes)
        {
            throw new DataException($"{path}: more than {MostBytes} bytes. Name a part of the text.");
        }

        // A device such as /dev/zero has length 0 but never ends.
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        try
        {
            bool isMarked = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble);
            string text = Strict.GetString(bytes.AsSpan(isMarked ? Encoding.UTF8.Preamble.Length : 0));
            return text.Replace("\r\n", "\n", StringComparison.Ordinal);
        }
        catch (DecoderFallbackException fault)
        {
            throw new DataException($"{path}: not UTF-8 text. Convert it to UTF-8.", fault);
        }
    });
}
