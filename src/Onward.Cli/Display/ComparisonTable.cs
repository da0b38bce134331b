namespace Onward.Cli;

/// <summary>Formats comparisons as tables.</summary>
internal static class ComparisonTable
{
    /// <summary>Creates the table of a comparison, with one row for each rule.</summary>
    internal static TextTable Table(this Comparison comparison)
    {
        bool paper = comparison.Rules.Any(rule => rule.Paper is not null);
        TextTable table = new();
        Add("paper", "rule", $"{comparison.HeldOut} error", "train error", "lr", "images/s", "activations MB", "seconds");
        foreach (ComparedRule rule in comparison.Rules)
        {
            Add(
                rule.Paper is PaperCell cell
                    ? $"{Comparison.Number(cell.TestError, "0.00")} / {Comparison.Number(cell.TrainError, "0.00")}"
                    : "",
                rule.Rule,
                rule.Show(rule.TestError),
                rule.Show(rule.TrainError),
                Comparison.Number(rule.LearningRate, "G6"),
                Comparison.Number(rule.ImagesPerSecond, "N0"),
                Comparison.Number(rule.ActivationMB, "0.0"),
                Comparison.Number(rule.Seconds, "0.0"));
        }

        return table;

        void Add(string ofPaper, params string[] cells) => table.Add(paper ? [.. cells, ofPaper] : cells);
    }
}
