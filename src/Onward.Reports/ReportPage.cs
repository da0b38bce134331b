using System.Globalization;
using System.Text;

namespace Onward.Reports;

/// <summary>A run as a report shows it.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Run">The run.</param>
/// <param name="Answers">Its model's answers to the images that errors are reported on; null where they are missing.</param>
/// <param name="Missing">The reason why they are missing; empty where they are not.</param>
internal sealed record ReportedRun(string Name, RecordedRun Run, TestAnswers? Answers, string Missing);

/// <summary>The page of a report: HTML with its style, its script, its charts and its pictures in it.</summary>
internal static class ReportPage
{
    private static readonly string Version = typeof(ReportPage).Assembly.GetName().Version!.ToString(3);

    /// <summary>Makes the page.</summary>
    /// <param name="runs">The runs, at least one.</param>
    /// <param name="now">The time that the page bears.</param>
    internal static string Of(IReadOnlyList<ReportedRun> runs, DateTimeOffset now)
    {
        RunConfiguration first = runs[0].Run.Configuration;
        string title = runs.Count == 1 ? $"{first.Network.Name} with {first.Rule} on {first.Dataset}" : $"{runs.Count} runs";
        string about = string.Create(CultureInfo.InvariantCulture, $"written {now:yyyy-MM-dd HH:mm} by Onward {Version}");

        // Nothing outside the page may be loaded, which also keeps text from becoming a script.
        const string Policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
        return "<!DOCTYPE html>\n"
            + Html.Element(
                "html lang=\"en\"",
                Html.Element(
                    "head",
                    "<meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
                    $"<meta http-equiv=\"Content-Security-Policy\" content=\"{Policy}\">",
                    Html.Element("title", Html.Text(title)),
                    Html.Element("style", Resource("report.css"))),
                Html.Element(
                    "body",
                    Html.Element("h1", Html.Text(title)),
                    Html.Element("p class=\"about\"", Html.Text(about)),
                    Table(runs),
                    Html.Element("h2", "Learning curves"),
                    Curves(runs),
                    string.Concat(runs.Select((run, i) => ReportSection.Of(run, Anchor(i)))),
                    Html.Element("script", Resource("report.js"))))
            + "\n";
    }

    private static string Anchor(int run) => string.Create(CultureInfo.InvariantCulture, $"run-{run + 1}");

    // Names of the columns; they stand beside the values where a window is too narrow for a table.
    private static string[] Columns(string heldOut) =>
        ["run", "model", "rule", "data set", "epochs", "train error", heldOut, "time", "images/s", "memory", "state"];

    private static string Table(IReadOnlyList<ReportedRun> runs)
    {
        string heldOut = runs.Select(run => run.Run.HeldOut).Distinct().Count() == 1 ? $"{runs[0].Run.HeldOut} error" : "error";
        string[] columns = Columns(heldOut);
        string body = string.Concat(runs.Select((run, i) => Html.Element("tr", Row(run, i).Select((cell, k) => Cell(cell, columns[k])))));
        string head = Html.Element("tr", columns.Select(column => Html.Element("th scope=\"col\"", Html.Text(column))));
        return Html.Element(
            "div class=\"scroll\"", Html.Element("table class=\"runs\"", Html.Element("thead", head), Html.Element("tbody", body)))
            + Html.Element(
                "p class=\"note\"",
                "The train error of a run that has not ended is the mean over the images of its last epoch, as they were learnt. "
                + "Memory is the memory that a step works in, beside parameters and gradients.");
    }

    private static string Cell((string Tag, string Content) cell, string column) =>
        Html.Element($"{cell.Tag} data-column=\"{Html.Text(column)}\"", cell.Content);

    private static IEnumerable<(string Tag, string Content)> Row(ReportedRun reported, int number)
    {
        (RecordedRun run, RunConfiguration options) = (reported.Run, reported.Run.Configuration);
        double? seconds = run.Result?.Seconds ?? (run.Epochs.Count > 0 ? run.Epochs[^1].Elapsed.TotalSeconds : null);
        double? speed = run.Result?.ImagesPerSecond ?? (run.Epochs.Count > 0 ? run.Epochs[^1].ImagesPerSecond : null);
        yield return (
            "th scope=\"row\"",
            $"<i class=\"h{number % LineChart.Hues}\"></i>" + Html.Element($"a href=\"#{Anchor(number)}\"", Html.Text(reported.Name)));
        yield return Text(options.Network.Name);
        yield return Text(ReportSection.RuleOf(options));
        yield return Text(options.Dataset);
        yield return Text(string.Create(CultureInfo.InvariantCulture, $"{run.EpochsDone} of {options.Epochs}"));
        yield return Number(run.TrainError is double train ? Figures.Percent(train) : "");
        yield return Number(run.TestError is double test ? Figures.Percent(test) : "");
        yield return Number(seconds is double time ? Figures.Duration(TimeSpan.FromSeconds(time)) : "");
        yield return Number(speed is double images ? string.Create(CultureInfo.InvariantCulture, $"{images:N0}") : "");
        yield return Number(
            run.Result is RunResult result ? string.Create(CultureInfo.InvariantCulture, $"{result.ActivationMB:0.#} MB") : "");
        yield return Text(run.Stage.ToString().ToLowerInvariant());

        static (string Tag, string Content) Text(string text) => ("td", Html.Text(text));

        static (string Tag, string Content) Number(string text) => ("td class=\"number\"", Html.Text(text));
    }

    private static string Curves(IReadOnlyList<ReportedRun> all)
    {
        (ReportedRun Reported, int Hue)[] runs = [.. all.Select((run, i) => (run, i)).Where(run => run.run.Run.Epochs.Count > 0)];
        if (runs.Length == 0)
        {
            return Html.Element("p class=\"note\"", "No epoch has ended yet.");
        }

        bool alone = all.Count == 1;
        string heldOut = runs.Select(run => run.Reported.Run.HeldOut).Distinct().Count() == 1 ? runs[0].Reported.Run.HeldOut : "held-out";
        (ReportedRun Reported, int Hue)[] supervised = [.. runs.Where(run => run.Reported.Run.Configuration.Projection == 0)];
        (ReportedRun Reported, int Hue)[] texts = [.. runs.Where(run => run.Reported.Run.Configuration.IsText)];
        (ReportedRun Reported, int Hue)[] contrastive = [.. runs.Except(supervised)];
        string note = supervised.Length > 0 ? $"Solid: {heldOut}; dashed: training, as images were met." : $"On {heldOut} images.";
        List<string> charts =
        [
            LineChart.Draw(
                "Error",
                "%",
                note,
                [.. Lines(heldOut, epoch => epoch.TestError), .. LinesOf(supervised, "train", epoch => epoch.TrainError, isDashed: true)],
                hasLegend: !alone),
            LineChart.Draw(
                "Loss of the readout",
                "nats",
                note,
                [.. Lines(heldOut, epoch => epoch.TestLoss), .. LinesOf(supervised, "train", epoch => epoch.TrainLoss, isDashed: true)],
                hasLegend: !alone),
            .. texts.Length == 0 ? [] : new[]
            {
                LineChart.Draw(
                    "Bits per character",
                    "bits",
                    $"Solid: {heldOut}; dashed: training, as the text was met.",
                    [
                        .. LinesOf(texts, heldOut, epoch => Figures.BitsOf(epoch.TestLoss)),
                        .. LinesOf(texts, "train", epoch => Figures.BitsOf(epoch.TrainLoss), isDashed: true),
                    ],
                    hasLegend: !alone),
            },
            .. contrastive.Length == 0 ? [] : new[]
            {
                LineChart.Draw(
                    "Contrastive error",
                    "%",
                    "Views whose nearest view is not of the same image, while they are learnt.",
                    [.. LinesOf(contrastive, "", epoch => epoch.TrainError)],
                    hasLegend: !alone),
                LineChart.Draw(
                    "Contrastive loss",
                    "nats",
                    "Of the last projection, while it is learnt.",
                    [.. LinesOf(contrastive, "", epoch => epoch.TrainLoss)],
                    hasLegend: !alone),
            },
            .. BlockCharts(runs, alone, "Local loss", "nats", "Mean of each block's own loss over an epoch.", epoch => epoch.BlockLosses),
            .. BlockCharts(
                runs,
                alone,
                "Cosine to the exact gradient",
                "",
                "Mean over the steps that were compared.",
                epoch => [.. epoch.Gradients.Select(block => block.Cosine)]),
            .. BlockCharts(
                runs,
                alone,
                "Norm of the gradient estimate",
                "",
                "Mean over the steps that were compared.",
                epoch => [.. epoch.Gradients.Select(block => block.Norm)]),
            LineChart.Draw("Learning rate", "", "", [.. Lines("", epoch => epoch.LearningRate)], hasLegend: !alone, isRatio: false),
            LineChart.Draw("Speed", "images/s", "", [.. Lines("", epoch => epoch.ImagesPerSecond)], hasLegend: !alone, isRatio: false),
        ];

        // Beside one another in pairs, and the last three of an odd number in a row, so that no place stays empty.
        return Html.Element(charts.Count % 2 == 0 ? "div class=\"curves\"" : "div class=\"curves odd\"", charts);

        IEnumerable<ChartLine> Lines(string what, Func<Training.EpochMetrics, double> value) => LinesOf(runs, what, value);

        IEnumerable<ChartLine> LinesOf(
            (ReportedRun Reported, int Hue)[] some,
            string what,
            Func<Training.EpochMetrics, double> value,
            bool isDashed = false) => some.Select(run => new ChartLine(
            alone ? what : $"{run.Reported.Name} {what}".TrimEnd(),
            run.Hue,
            isDashed,
            [.. run.Reported.Run.Epochs.Select(value)]));
    }

    // One chart of all blocks for one run; for several runs, one chart of all runs for each block. None if no run has the values.
    private static IEnumerable<string> BlockCharts(
        (ReportedRun Reported, int Hue)[] runs,
        bool alone,
        string title,
        string unit,
        string note,
        Func<Training.EpochMetrics, IReadOnlyList<double>> values)
    {
        int blocks = runs.Max(Count);
        if (alone && blocks > 0)
        {
            yield return LineChart.Draw(
                title,
                unit,
                note,
                [
                    .. Enumerable.Range(0, blocks)
                    .Select(block => Line(runs[0], block, block, string.Create(CultureInfo.InvariantCulture, $"block {block}"))),
                ],
                hasLegend: true);
            yield break;
        }

        for (int k = 0; k < blocks; k++)
        {
            int block = k;
            ChartLine[] lines = [.. runs.Where(run => Count(run) > block).Select(run => Line(run, block, run.Hue, run.Reported.Name))];
            yield return LineChart.Draw(
                string.Create(CultureInfo.InvariantCulture, $"{title} of block {block}"), unit, note, lines, hasLegend: true);
        }

        int Count((ReportedRun Reported, int Hue) run) => values(run.Reported.Run.Epochs[0]).Count;

        ChartLine Line((ReportedRun Reported, int Hue) run, int block, int hue, string name) =>
            new(name, hue, false, [.. run.Reported.Run.Epochs.Select(epoch => values(epoch)[block])]);
    }

    private static string Resource(string name)
    {
        using StreamReader reader = new(typeof(ReportPage).Assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
