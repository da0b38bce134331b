using System.Globalization;
using System.Text;
using Onward.Formats;
using Onward.Training;

namespace Onward.Runs;

/// <summary>The measurements of a run, one line for each epoch: <c>metrics.csv</c>.</summary>
internal sealed class MetricsFile : IDisposable
{
    internal const string Name = "metrics.csv";

    // A million epochs of the longest lines.
    private const long MostBytes = 128_000_000;

    private readonly StreamWriter _writer;
    private readonly MetricsLayout _layout;

    private MetricsFile(StreamWriter writer, MetricsLayout layout) => (_writer, _layout) = (writer, layout);

    /// <summary>Writes the file of a run again, with the epochs that have ended.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="layout">The columns that the run has.</param>
    /// <param name="ended">The epochs.</param>
    internal static MetricsFile Create(string folder, MetricsLayout layout, IReadOnlyList<EpochMetrics> ended)
    {
        string path = Path.Combine(folder, Name);
        string header = MetricsColumns.Header(layout);
        string text = string.Concat(ended.Select(epoch => Line(epoch, layout)).Prepend(header).Select(line => line + "\n"));
        DurableFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(text)));
        return new MetricsFile(new StreamWriter(path, append: true) { AutoFlush = true, NewLine = "\n" }, layout);
    }

    /// <summary>Reads the epochs of a run, except for a line that its process is writing or was killed in.</summary>
    /// <exception cref="RunException">The file is missing, cannot be read, or holds what no run can have measured.</exception>
    internal static IReadOnlyList<EpochMetrics> Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            string text = RunFolder.ReadText(path, MostBytes);
            string[] lines = text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
            MetricsColumns columns = MetricsColumns.Of(lines.FirstOrDefault(""));
            return [.. lines.Skip(1).Select((line, i) => columns.Parse(line, i + 1))];
        }
        catch (FormatException fault)
        {
            throw new RunException(say => $"{path}: damaged: {fault.Message} {Cure(folder, say)}", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException(say => $"{path}: cannot be read: {fault.Message} {Cure(folder, say)}", fault);
        }
    }

    /// <summary>The number of lines of epochs in the file, readable or damaged; 0 if the file is missing.</summary>
    internal static int CountEpochs(string folder)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            return File.Exists(path)
                ? Math.Max(0, RunFolder.ReadText(path, MostBytes).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length - 1)
                : 0;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"{path}: cannot be read: {fault.Message}", fault);
        }
    }

    private static string Cure(string folder, HostWords say) => RunFolder.HasCheckpointsIn(folder)
        ? $"Make it again from the last checkpoint by {say.Resuming(folder)}."
        : "Restore it from a copy, or train the run again in another folder.";

    /// <summary>Adds an epoch.</summary>
    internal void Add(EpochMetrics epoch) => _writer.WriteLine(Line(epoch, _layout));

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

    private static string Line(EpochMetrics epoch, MetricsLayout layout)
    {
        IEnumerable<double> losses =
        [
            epoch.TrainLoss,
            epoch.TrainError,
            epoch.TestLoss,
            epoch.TestError,
            .. layout.IsText ? [Figures.BitsOf(epoch.TrainLoss), Figures.BitsOf(epoch.TestLoss)] : Array.Empty<double>(),
            .. epoch.BlockLosses.Take(layout.Losses),
        ];
        IEnumerable<double> agreement = epoch.Gradients.SelectMany(block => new[] { block.Norm, block.ExactNorm, block.Cosine });
        string[] cells =
        [
            Cell(epoch.Epoch, "0"),
            Cell(epoch.LearningRate, "G6"),
            .. losses.Select(loss => Cell(loss, "0.######")),
            .. agreement.Concat(epoch.NoiseLeft).Select(number => Cell(number, "G6")),
            Cell(epoch.ImagesPerSecond, "0.#"),
            Cell(epoch.Elapsed.TotalSeconds, "0.###"),
            string.Join(MetricsColumns.AdviceSeparator, epoch.Advice),
        ];
        return string.Join(',', cells);

        static string Cell(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
    }
}
