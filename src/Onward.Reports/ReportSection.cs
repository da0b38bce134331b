using System.Globalization;
using System.Text.Json.Nodes;
using Onward.Training;

namespace Onward.Reports;

/// <summary>The section of a report about one run.</summary>
internal static class ReportSection
{
    // The most classes whose confusions are shown as a matrix.
    private const int MostColumns = 20;

    // Confusions that are listed of more classes.
    private const int ListedConfusions = 25;

    // Shown elsewhere on the page.
    private static readonly string[] NotOptions = ["version", "threads", "environment", "images"];

    /// <summary>The rule and, where classes are not its objective, what is.</summary>
    internal static string RuleOf(RunConfiguration run) => run.Projection > 0 ? $"{run.Rule}, contrastive" : run.Rule;

    /// <summary>Makes the section.</summary>
    internal static string Of(ReportedRun reported, string anchor)
    {
        (RecordedRun run, RunConfiguration options) = (reported.Run, reported.Run.Configuration);
        string facts = string.Create(
            CultureInfo.InvariantCulture,
            $"{options.Network.Name}, {options.Parameters:N0} parameters, {RuleOf(options)} on {options.Dataset}; {run.Folder}");
        return Html.Element(
            $"section id=\"{anchor}\"",
            Html.Element(
                "h2", Html.Text(reported.Name), Html.Element("span class=\"state\"", Html.Text(run.Stage.ToString().ToLowerInvariant()))),
            Html.Element("p class=\"about\"", Html.Text(facts)),
            run.Result?.Divergence is string divergence ? Html.Element("p class=\"missing\"", Html.Text(divergence)) : "",
            string.Concat(
                run.Advice.Select(advice => Html.Element("p class=\"missing\"", Html.Text($"Advice while it trained: {advice}.")))),
            reported.Missing.Length > 0
                ? Html.Element("p class=\"missing\"", Html.Text($"No confusion matrix and no images: {reported.Missing}"))
                : "",
            reported.Answers?.Epoch is int epoch ? Html.Element("p class=\"about\"", EpochOf(epoch)) : "",
            Html.Element(
                "div class=\"panels\"", reported.Answers is TestAnswers answers ? Confusion(answers, run.HeldOut) : "", Blocks(reported)),
            reported.Answers is TestAnswers shown ? Mistakes(shown, run.HeldOut) : "",
            Html.Element("div class=\"panels\"", Environment(options), Configuration(options)));
    }

    private static string EpochOf(int epoch) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"Confusions, accuracies of blocks and misclassified images are those of the model after epoch {epoch}.");

    private static string Confusion(TestAnswers answers, string heldOut)
    {
        int[][] counts = answers.Confusion;
        IReadOnlyList<string> names = answers.ClassNames;
        string heading = string.Create(
            CultureInfo.InvariantCulture,
            $"{counts.Sum(row => row.Sum()):N0} {heldOut} images, {Figures.Percent(answers.Evaluation.Error)} wrong");
        if (names.Count > MostColumns)
        {
            IEnumerable<string[]> rows = counts.SelectMany((row, label) => row.Select((count, answer) => (label, answer, count)))
                .Where(cell => cell.label != cell.answer && cell.count > 0)
                .OrderByDescending(cell => cell.count)
                .Take(ListedConfusions)
                .Select(cell => new[]
                {
                    Html.Text(names[cell.label]),
                    Html.Text(names[cell.answer]),
                    Count(cell.count),
                    Figures.Percent(100.0 * cell.count / counts[cell.label].Sum()),
                });
            return Card(
                $"Most frequent confusions: {heading}", Html.Table("facts", ["true class", "taken for", "images", "of the class"], rows));
        }

        int[] answered = [.. Enumerable.Range(0, names.Count).Select(answer => counts.Sum(row => row[answer]))];
        string[] columns = ["", .. names, "recall"];
        IEnumerable<IReadOnlyList<string>> matrix = counts.Select((row, label) => (IReadOnlyList<string>)
        [
            Html.Text(names[label]),
            .. row.Select((count, answer) => Cell(count, row.Sum(), label == answer)),
            Share(row[label], row.Sum()),
        ]);
        IReadOnlyList<string> precision =
        [
            Html.Element("b", "precision"),
            .. names.Select((_, answer) => Share(counts[answer][answer], answered[answer])),
            "",
        ];
        return Card(
            $"Confusion matrix: {heading}",
            Html.Table("confusion", columns, matrix.Append(precision)),
            Html.Element(
                "p class=\"note\"",
                "Rows: true class. Columns: the model's answer. The deeper a colour, the larger the share of the class; "
                + "blue is right, red is wrong."));

        static string Share(int part, int whole) =>
            Html.Element("b", whole == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{100.0 * part / whole:0.0} %"));
    }

    // The tone tells the share of the class, of right answers and of errors alike. The root lets small shares be seen.
    private static string Cell(int count, int all, bool isRight)
    {
        double tone = all == 0 ? 0 : 0.65 * Math.Sqrt((double)count / all);
        string kind = count == 0 ? "none" : isRight ? "right" : "wrong";
        return $"<i class=\"{kind}\" style=\"--share:{Html.Number(tone)}\">{Count(count)}</i>";
    }

    private static string Blocks(ReportedRun reported)
    {
        RunConfiguration options = reported.Run.Configuration;
        IReadOnlyList<double> errors = reported.Answers?.Evaluation.BlockErrors ?? reported.Run.Result?.BlockTestErrors ?? [];
        string title = $"Accuracy of each block's head, {reported.Run.HeldOut} images";
        if (options.Projection > 0)
        {
            return Card(title, Note("This is a contrastive run: the heads of its blocks compare images and know no classes."));
        }

        if (!PaperRules.Get(options.Rule).TrainsHeads)
        {
            return Card(title, Note($"{options.Rule} trains no local heads, so the heads of the blocks have learned nothing."));
        }

        if (errors.Count == 0)
        {
            return "";
        }

        double? readout = reported.Answers?.Evaluation.Error ?? reported.Run.TestError;
        IEnumerable<string[]> rows = errors.Select((error, k) => Row(string.Create(CultureInfo.InvariantCulture, $"block {k}"), error));
        return Card(title, Html.Table("blocks", ["", "accuracy", ""], readout is double last ? rows.Append(Row("readout", last)) : rows));

        static string[] Row(string name, double error) =>
            [name, Figures.Percent(100 - error), $"<span class=\"bar\"><i style=\"width:{Html.Number(100 - error)}%\"></i></span>"];

        static string Note(string text) => Html.Element("p class=\"note\"", Html.Text(text));
    }

    private static string Mistakes(TestAnswers answers, string heldOut)
    {
        int wrong = answers.Evaluation.Answers.Count(answer => answer.Class != answer.Label);
        if (wrong == 0)
        {
            return "";
        }

        IEnumerable<string> figures = answers.Mistakes.Select(mistake =>
        {
            (Answer answer, IReadOnlyList<string> names) = (mistake.Answer, answers.ClassNames);
            string what = $"{names[answer.Label]} taken for {names[answer.Class]}";
            string title = string.Create(CultureInfo.InvariantCulture, $"{heldOut} image {mistake.Example}: {what}");
            return Html.Element(
                "figure",
                $"<img alt=\"{Html.Text(what)}\" title=\"{Html.Text(title)}\" "
                + $"src=\"data:image/png;base64,{Convert.ToBase64String(mistake.Picture)}\">",
                Html.Element("span", Html.Text($"{names[answer.Label]} → {names[answer.Class]}")),
                Html.Element("small", string.Create(CultureInfo.InvariantCulture, $"{100 * answer.Probability:0} %")));
        });
        string heading = string.Create(
            CultureInfo.InvariantCulture,
            $"Misclassified images: {answers.Mistakes.Count} of {wrong:N0}, those of which the model is the surest");
        return Html.Element("h3", Html.Text(heading))
            + Html.Element("p class=\"note\"", "True class → the model's answer, and the probability that it gives that.")
            + Html.Element("div class=\"mistakes\"", figures);
    }

    private static string Environment(RunConfiguration options)
    {
        RunEnvironment? machine = options.Environment;
        List<string[]> rows = [["Onward", Html.Text(options.Version)], ["threads", options.Threads.ToString(CultureInfo.InvariantCulture)]];
        if (machine is null)
        {
            rows.Add(["machine", "not kept by that version of Onward"]);
        }
        else
        {
            rows.Add([".NET", Html.Text(machine.Framework)]);
            rows.Add(["system", Html.Text(machine.System)]);
            rows.Add(["processor", Html.Text(machine.Processor)]);
            rows.Add(["processors", machine.Processors.ToString(CultureInfo.InvariantCulture)]);
            rows.Add(["vectors", string.Create(CultureInfo.InvariantCulture, $"{machine.KernelBits} bits")]);
        }

        return Card("Environment", Html.Table("facts", [], rows));
    }

    private static string Configuration(RunConfiguration options)
    {
        IEnumerable<string[]> rows = options.ToJson()
            .Where(option => option.Value is not null && !NotOptions.Contains(option.Key))
            .Select(option => new[]
            {
                Html.Text(option.Key),
                Html.Text(option.Value is JsonValue value ? value.ToString() : option.Value!.ToJsonString()),
            });
        return Card("Configuration", Html.Table("facts", [], rows));
    }

    private static string Card(string title, params IEnumerable<string> pieces) =>
        Html.Element("div class=\"card\"", pieces.Prepend(Html.Element("h3", Html.Text(title))));

    private static string Count(int count) => count.ToString(CultureInfo.InvariantCulture);
}
