using System.Globalization;
using Onward.Learning;

namespace Onward.Cli;

/// <summary>How a cell of the paper is reproduced: the recorded options, and what they came to when they were recorded.</summary>
/// <param name="Cell">The cell.</param>
/// <param name="Expected">Where the test error is expected; null where it has not been recorded yet.</param>
internal sealed record Reproduction(PaperCell Cell, ErrorInterval? Expected)
{
    /// <summary>Images of the training set and the test set that the paper's columns are about.</summary>
    internal const int TrainingImages = 60_000;

    internal const int TestImages = 10_000;

    private const string Dataset = "MNIST";

    // Test errors on MNIST with S/1/1 and with M/1/16, in percent.
    private static readonly Dictionary<string, (ErrorInterval? Small, ErrorInterval? Medium)> Recorded = new()
    {
        ["BP"] = (null, null),
        ["L-BP"] = (null, null),
        ["LG-BP"] = (null, null),
        ["FA"] = (null, null),
        ["L-FA"] = (null, null),
        ["LG-FA"] = (null, null),
        ["DFA"] = (null, null),
        ["FG-W"] = (null, null),
        ["FG-A"] = (null, null),
        ["LG-FG-W"] = (null, null),
        ["LG-FG-A"] = (new(2.2, 2.7), new(1.7, 2.2)),
    };

    /// <summary>The equivalent command.</summary>
    internal string Command
    {
        get
        {
            RunPlan plan = Plan(seed: 1, threads: 1);
            return string.Create(
                CultureInfo.InvariantCulture,
                $"onward train --dataset {Datasets.Mnist} --model {plan.Model.Preset} --rule {plan.Rule.Rule} --epochs {plan.Training.Epochs} --batch-size {plan.Training.BatchSize} --lr {plan.Training.LearningRate}");
        }
    }

    /// <summary>How a cell is reproduced; null where this version lacks its data.</summary>
    internal static Reproduction? Of(PaperCell cell) => (cell.Dataset, cell.Model) switch
    {
        (Dataset, "S/1/1") => new Reproduction(cell, Recorded[cell.Row].Small),
        (Dataset, "M/1/16") => new Reproduction(cell, Recorded[cell.Row].Medium),
        _ => null,
    };

    /// <summary>What a cell lacks that cannot be reproduced.</summary>
    internal static string Lack(PaperCell cell) => $"needs {cell.Dataset} data, not in this version";

    /// <summary>One of its runs.</summary>
    internal RunPlan Plan(ulong seed, int threads) => new(
        ModelChoice.Settings.Default(Cell.Model),
        RuleChoice.Settings.Default(Cell.Row, threads),
        LossScope.All,
        ObjectiveChoice.Settings.Default,
        "none",
        PresetDefaults.For(Cell.Model, Cell.Row).Training(epochs: null, seed));
}

/// <summary>Errors from one to another, in percent.</summary>
internal readonly record struct ErrorInterval
{
    /// <summary>Makes an interval.</summary>
    /// <param name="least">The lowest error.</param>
    /// <param name="most">The highest.</param>
    internal ErrorInterval(double least, double most)
    {
        if (!(least >= 0 && least <= most && most <= 100))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"an interval of errors goes up, within 0 and 100 percent; got {least} to {most}."));
        }

        (Least, Most) = (least, most);
    }

    /// <summary>The lowest error.</summary>
    internal double Least { get; }

    /// <summary>The highest error.</summary>
    internal double Most { get; }

    /// <summary>Where an error lies: within, or how far outside.</summary>
    internal string Place(double error) => Math.Round(error, 2) switch
    {
        double rounded when rounded < Least => string.Create(CultureInfo.InvariantCulture, $"below it by {Least - rounded:0.00}"),
        double rounded when rounded > Most => string.Create(CultureInfo.InvariantCulture, $"above it by {rounded - Most:0.00}"),
        _ => "within it",
    };

    /// <summary>Both ends.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Least:0.00} to {Most:0.00} %");
}
