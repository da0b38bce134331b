using System.Globalization;
using System.Text;
using Onward.Formats;
using Onward.Training;

namespace Onward.Cli;

/// <summary>What the epochs of a run came to, a line for each: <c>metrics.csv</c>.</summary>
internal sealed class MetricsFile : IDisposable
{
    internal const string Name = "metrics.csv";

    private const string BlockPrefix = "block_", BlockSuffix = "_loss";

    // Of the gradients of a block, where they are compared with exact ones.
    private static readonly string[] GradientSuffixes = ["_gradient_norm", "_exact_norm", "_cosine"];

    private readonly StreamWriter _writer;

    private MetricsFile(StreamWriter writer) => _writer = writer;

    /// <summary>Starts the file of a run anew, with the epochs that have ended.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="blocks">Blocks of its model.</param>
    /// <param name="gradients">Whether gradients are compared with exact ones.</param>
    /// <param name="ended">The epochs.</param>
    internal static MetricsFile Create(string folder, int blocks, bool gradients, IReadOnlyList<EpochMetrics> ended)
    {
        string path = Path.Combine(folder, Name);
        string[] numbers = [.. Enumerable.Range(0, blocks).Select(k => string.Create(CultureInfo.InvariantCulture, $"{BlockPrefix}{k}"))];
        string header = string.Join(
            ',',
            (string[])
            [
                "epoch", "learning_rate", "train_loss", "train_error", "test_loss", "test_error", .. numbers.Select(block => block + BlockSuffix),
                .. gradients ? numbers.SelectMany(block => GradientSuffixes.Select(suffix => block + suffix)) : [], "images_per_second", "seconds",
            ]);
        string text = string.Concat(ended.Select(Line).Prepend(header).Select(line => line + "\n"));
        DurableFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(text)));
        return new MetricsFile(new StreamWriter(path, append: true) { AutoFlush = true, NewLine = "\n" });
    }

    /// <summary>Reads the epochs of a run, but for a line that its process is writing or was killed in.</summary>
    internal static IReadOnlyList<EpochMetrics> Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            string text = File.ReadAllText(path);
            string[] lines = text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
            string[] columns = lines[0].Split(',');
            return [.. lines.Skip(1).Select((line, i) => Parse(columns, line.Split(','), i + 1))];
        }
        catch (Exception fault) when (fault is FormatException or IndexOutOfRangeException or OverflowException or ArgumentException)
        {
            throw new CommandFault($"{path}: damaged. Delete {folder} to train it anew.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault($"{path}: cannot be read: {fault.Message} Delete {folder} to train it anew.", fault);
        }
    }

    /// <summary>Adds an epoch.</summary>
    internal void Add(EpochMetrics epoch) => _writer.WriteLine(Line(epoch));

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        try
        {
            _writer.Dispose();
        }
        catch (IOException)
        {
            // A line that could not be written has been told of already.
        }
    }

    // By the names of the columns, so that others may follow them.
    private static EpochMetrics Parse(string[] columns, string[] cells, int epoch)
    {
        return Value("epoch") == epoch
            ? new EpochMetrics(
                epoch,
                Value("learning_rate"),
                [.. Blocks(BlockSuffix)],
                Value("train_loss"),
                Value("train_error"),
                Value("test_loss"),
                Value("test_error"),
                Value("images_per_second"),
                TimeSpan.FromSeconds(Value("seconds")))
            {
                Gradients =
                [
                    .. Blocks(GradientSuffixes[0]).Zip(Blocks(GradientSuffixes[1]), Blocks(GradientSuffixes[2]))
                        .Select(block => new GradientAgreement(block.First, block.Second, block.Third)),
                ],
            }
            : throw new FormatException();

        IEnumerable<double> Blocks(string suffix) =>
            columns.Where(column => column.StartsWith(BlockPrefix, StringComparison.Ordinal) && column.EndsWith(suffix, StringComparison.Ordinal)).Select(Value);

        double Value(string column) => double.Parse(cells[Array.IndexOf(columns, column)], CultureInfo.InvariantCulture);
    }

    private static string Line(EpochMetrics epoch)
    {
        IEnumerable<double> losses = [epoch.TrainLoss, epoch.TrainError, epoch.TestLoss, epoch.TestError, .. epoch.BlockLosses];
        IEnumerable<double> gradients = epoch.Gradients.SelectMany(block => new[] { block.Norm, block.ExactNorm, block.Cosine });
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{epoch.Epoch},{epoch.LearningRate:G6},{string.Join(',', losses.Select(loss => loss.ToString("0.######", CultureInfo.InvariantCulture)))}{string.Concat(gradients.Select(number => "," + number.ToString("G6", CultureInfo.InvariantCulture)))},{epoch.ImagesPerSecond:0.#},{epoch.Elapsed.TotalSeconds:0.###}");
    }
}
