using System.Globalization;
using Onward.Training;

namespace Onward.Runs;

/// <summary>
/// The columns of <c>metrics.csv</c>, by their names; others may follow. Every value is one that a run can have measured.
/// </summary>
internal sealed class MetricsColumns
{
    private const string Epoch = "epoch", Rate = "learning_rate", Speed = "images_per_second", Seconds = "seconds";
    private const string Loss = "_loss";
    private const int MostColumns = 1000;
    private const int MostShown = 40; // letters of a cell

    private const string TestLoss = "test_loss", TestError = "test_error", Error = "_error", Advice = "advice";

    // Of a text: the losses in bits.
    private const string TrainBits = "train_bits_per_character", TestBits = "test_bits_per_character";

    // The two objectives: classes, or the other view of an image.
    private const string Supervised = "train", Contrastive = "contrastive";

    // For each block, if its gradients are compared with exact ones.
    private static readonly string[] Gradients = ["_gradient_norm", "_exact_norm", "_cosine"];

    // For each block, if its gradients are predicted.
    private const string NoiseLeft = "_noise_left";

    private readonly Dictionary<string, int> _places;
    private readonly MetricsLayout _layout;

    private MetricsColumns(Dictionary<string, int> places, MetricsLayout layout) => (_places, _layout) = (places, layout);

    /// <summary>Parts the sentences of a cell of advice.</summary>
    internal const string AdviceSeparator = "; ";

    /// <summary>The line of names.</summary>
    /// <param name="layout">The columns that the run has.</param>
    internal static string Header(MetricsLayout layout) => string.Join(',', Names(layout).Append(Advice));

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

        MetricsLayout layout = new(
            Blocks(Loss),
            Blocks(Gradients[0]),
            Blocks(NoiseLeft),
            places.ContainsKey(Contrastive + Loss),
            places.ContainsKey(TrainBits));
        return Names(layout).FirstOrDefault(name => !places.ContainsKey(name)) is string missing
            ? throw new FormatException($"the column {missing} is missing.")
            : new MetricsColumns(places, layout);

        int Blocks(string suffix) =>
            names.Count(name => name.StartsWith("block_", StringComparison.Ordinal) && name.EndsWith(suffix, StringComparison.Ordinal));
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
        foreach (string bits in _layout.IsText ? [TrainBits, TestBits] : Array.Empty<string>())
        {
            Read(bits);
        }

        return new EpochMetrics(
            epoch,
            Require(Rate, value => value >= 0 && double.IsFinite(value), "a learning rate"),
            [.. Enumerable.Range(0, _layout.Losses).Select(k => Read(Of(k, Loss)))],
            Read(Learnt(_layout) + Loss),
            Percentage(Learnt(_layout) + Error),
            Read(TestLoss),
            Percentage(TestError),
            Require(Speed, value => value >= 0, "a speed"),
            TimeSpan.FromSeconds(Require(Seconds, value => value >= 0 && value < TimeSpan.MaxValue.TotalSeconds, "a time")))
        {
            Gradients =
            [
                .. Enumerable.Range(0, _layout.Gradients)
                    .Select(k => new GradientAgreement(Read(Of(k, Gradients[0])), Read(Of(k, Gradients[1])), Read(Of(k, Gradients[2])))),
            ],
            NoiseLeft = [.. Enumerable.Range(0, _layout.NoiseLeft).Select(k => Read(Of(k, NoiseLeft)))],
            Advice = ReadAdvice(),
        };

        // Runs of version 0.1 have none.
        string[] ReadAdvice()
        {
            string cell = _places.TryGetValue(Advice, out int place) ? cells[place] : "";
            return RunResult.IsSentence(cell)
                ? cell.Split(AdviceSeparator, StringSplitOptions.RemoveEmptyEntries)
                : throw Fault($"{Advice} is {Quote(cell)}, not advice");
        }

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

    // All columns except the advice, which runs of version 0.1 lack.
    private static IEnumerable<string> Names(MetricsLayout layout) =>
    [
        Epoch,
        Rate,
        Learnt(layout) + Loss,
        Learnt(layout) + Error,
        TestLoss,
        TestError,
        .. layout.IsText ? [TrainBits, TestBits] : Array.Empty<string>(),
        .. Enumerable.Range(0, layout.Losses).Select(k => Of(k, Loss)),
        .. Enumerable.Range(0, layout.Gradients).SelectMany(k => Gradients.Select(suffix => Of(k, suffix))),
        .. Enumerable.Range(0, layout.NoiseLeft).Select(k => Of(k, NoiseLeft)),
        Speed,
        Seconds,
    ];

    private static string Learnt(MetricsLayout layout) => layout.IsContrastive ? Contrastive : Supervised;

    private static string Quote(string text) => text.Length > MostShown ? $"'{text[..MostShown]}...'" : $"'{text}'";

    private static string Of(int block, string suffix) => string.Create(CultureInfo.InvariantCulture, $"block_{block}{suffix}");
}
