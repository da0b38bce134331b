using System.Globalization;
using Onward.Data;

namespace Onward.Cli;

/// <summary>The description of a text, as <c>onward data info text</c> shows it.</summary>
/// <param name="Name">Name of the data set.</param>
/// <param name="Source">The file or the folder.</param>
/// <param name="TrainingCharacters">Characters to train on.</param>
/// <param name="ValidationCharacters">Characters behind them, to validate on.</param>
/// <param name="TestCharacters">Characters at the end, to test on.</param>
/// <param name="Characters">The different characters.</param>
/// <param name="BigramValidationBits">Bits per character of <see cref="BigramModel"/> in validation.</param>
/// <param name="BigramTestBits">Bits per character of <see cref="BigramModel"/> in the test.</param>
internal sealed record TextOutline(
    string Name,
    string Source,
    int TrainingCharacters,
    int ValidationCharacters,
    int TestCharacters,
    IReadOnlyList<string> Characters,
    double BigramValidationBits,
    double BigramTestBits)
{
    /// <summary>Describes a text.</summary>
    internal static TextOutline Of(ImageDataset data)
    {
        (TextSet training, TextSet validation, TextSet test) = ((TextSet)data.Training, (TextSet)data.Validation!, (TextSet)data.Test);
        BigramModel bigram = new(training);
        return new(
            Datasets.Text,
            data.Source,
            training.Tokens.Length,
            validation.Tokens.Length,
            test.Tokens.Length,
            data.ClassNames,
            Math.Round(bigram.BitsPerCharacter(validation), 4),
            Math.Round(bigram.BitsPerCharacter(test), 4));
    }

    /// <summary>The table of the description.</summary>
    internal TextTable ToTable() => new TextTable()
        .Add("source", Source)
        .Add(
            "characters",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{TrainingCharacters:N0} for training, {ValidationCharacters:N0} for validation, {TestCharacters:N0} for testing"))
        .Add(
            "vocabulary",
            $"{Characters.Count} different characters: "
                + string.Join(' ', Characters.Select(character => char.IsControl(character[0]) || character == " "
                    ? Vocabulary.Name(character)
                    : character)))
        .Add(
            "bigram model",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{BigramValidationBits:0.000} bits per character in validation, {BigramTestBits:0.000} in the test (add-one smoothing)"));
}
