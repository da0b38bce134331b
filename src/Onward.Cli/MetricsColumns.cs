using System.Globalization;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The columns of <c>metrics.csv</c>, by their names; others may follow. Every value is one that a run can have measured.</summary>
internal sealed class MetricsColumns
{
    private const string Epoch = "epoch", Rate = "learning_rate", Speed = "images_per_second", Seconds = "seconds";
    private const string Loss = "_loss";
    private const int MostColumns = 1000;
    private const int MostShown = 40; // letters of a cell

    private static readonly string[] Losses = ["train_loss", "test_loss"], Errors = ["train_error", "test_error"];

    // For each block, if its gradients are compared with exact ones.
    private static readonly string[] Gradients = ["_gradient_norm", "_exact_norm", "_cosine"];

    private readonly Dictionary<string, int> _places;
    private readonly int _blocks;
    private readonly bool _hasGradients;

    private MetricsColumns(Dictionary<string, int> places, int blocks, bool hasGradients) =>
        (_places, _blocks, _hasGradients) = (places, blocks, hasGradients);

    /// <summary>The line of names.</summary>
    /// <param name="blocks">Blocks of the model.</param>
    /// <param name="gradients">True if gradients are compared with exact ones.</param>
    internal static string Header(int blocks, bool gradients) => string.Join(
        ',',
        (string[])
        [
            Epoch, Rate, Losses[0], Errors[0], Losses[1], Errors[1], .. Enumerable.Range(0, blocks).Select(k => Of(k, Loss)),
            .. gradients ? Enumerable.Range(0, blocks).SelectMany(k => Gradients.Select(suffix => Of(k, suffix))) : [], Speed, Seconds,
        ]);

    /// <summary>Reads the line of names.</summary>
    /// <exception cref="FormatException">The line lacks a name, has one twice, or is too long.</exception>
    internal static MetricsColumns Of(string header)
    {
        string[] names = header.Split(',', MostColumns + 1);
        if (names.Length > MostColumns)
        {
            throw new FormatException($"more than {MostColumns} columns.");
        }

        Dictionary<string, int> places = [];
        for (int i = 0; i < names.Length; i++)
        {
            if (!places.TryAdd(names[i], i))
            {
                throw new FormatException($"two columns are named {Quote(names[i])}.");
            }
        }

        int blocks = 0;
        while (places.ContainsKey(Of(blocks, Loss)))
        {
            blocks++;
        }

        bool hasGradients = blocks > 0 && places.ContainsKey(Of(0, Gradients[0]));
        string[] needed = Header(Math.Max(1, blocks), hasGradients).Split(',');
        return needed.FirstOrDefault(name => !places.ContainsKey(name)) is string missing
            ? throw new FormatException($"the column {missing} is missing.")
            : new MetricsColumns(places, blocks, hasGradients);
    }

    /// <summary>Reads a line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="epoch">The epoch that it must be of.</param>
    /// <exception cref="FormatException">The line is of another epoch, or has a value that no run can have measured.</exception>
    internal EpochMetrics Parse(string line, int epoch)
    {
        string[] cells = line.Split(',', _places.Count + 1);
        if (cells.Length != _places.Count)
        {
            throw Fault($"{(cells.Length > _places.Count ? "more" : "fewer")} than {_places.Count} values");
        }

        Require(Epoch, value => value == epoch, $"{epoch}");
        return new EpochMetrics(
            epoch,
            Require(Rate, value => value >= 0 && double.IsFinite(value), "a learning rate"),
            [.. Enumerable.Range(0, _blocks).Select(k => Read(Of(k, Loss)))],
            Read(Losses[0]),
            Percentage(Errors[0]),
            Read(Losses[1]),
            Percentage(Errors[1]),
            Require(Speed, value => value >= 0, "a speed"),
            TimeSpan.FromSeconds(Require(Seconds, value => value >= 0 && value < TimeSpan.MaxValue.TotalSeconds, "a time")))
        {
            Gradients =
            [
                .. Enumerable.Range(0, _hasGradients ? _blocks : 0)
                    .Select(k => new GradientAgreement(Read(Of(k, Gradients[0])), Read(Of(k, Gradients[1])), Read(Of(k, Gradients[2])))),
            ],
        };

        double Percentage(string name) => Require(name, value => value is >= 0 and <= 100, "a percentage");

        double Read(string name) => Require(name, _ => true, "a number");

        double Require(string name, Func<double, bool> holds, string what)
        {
            string cell = cells[_places[name]];
            return double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && holds(value)
                ? value
                : throw Fault($"{name} is {Quote(cell)}, not {what}");
        }

        FormatException Fault(string what) => new(string.Create(CultureInfo.InvariantCulture, $"line {epoch + 1}: {what}."));
    }

    private static string Quote(string text) => ParseFaults.Quote(text.Length > MostShown ? $"{text[..MostShown]}..." : text);

    private static string Of(int block, string suffix) => string.Create(CultureInfo.InvariantCulture, $"block_{block}{suffix}");
}
