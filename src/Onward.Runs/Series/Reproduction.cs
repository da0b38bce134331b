using System.Globalization;
using Onward.Losses;

namespace Onward.Runs;

/// <summary>A recorded run that reproduces a cell of the paper: its options, and the error that they are expected to reach.</summary>
/// <param name="Cell">The cell.</param>
/// <param name="Epochs">Passes over the training set.</param>
/// <param name="Minutes">Time of one run on two cores.</param>
/// <param name="Expected">
/// Where the test error is expected: the mean over three seeds, give or take three standard deviations, at least 0.3.
/// </param>
internal sealed record Reproduction(PaperCell Cell, int Epochs, double Minutes, ErrorInterval Expected)
{
    /// <summary>Images of the training set and the test set that the paper's columns are about.</summary>
    internal const int TrainingImages = 60_000;

    internal const int TestImages = 10_000;

    private const string Dataset = "MNIST";

    // Epochs, minutes, and test errors in percent on MNIST with S/1/1 and with M/1/16 (docs/results.md). Where activities are
    // perturbed, what is left of the error is the estimate's scatter, which longer training averages out.
    private static readonly Dictionary<string, (Record Small, Record Medium)> Recorded = new()
    {
        ["BP"] = (new(60, 0.4, 1.1, 1.7), new(60, 0.8, 1.2, 1.8)),
        ["L-BP"] = (new(60, 0.4, 1.1, 1.7), new(60, 0.8, 1.2, 1.8)),
        ["LG-BP"] = (new(60, 0.4, 1.1, 1.7), new(60, 0.8, 1.2, 1.8)),
        ["FA"] = (new(60, 0.4, 1.2, 1.8), new(60, 0.7, 1.5, 2.1)),
        ["L-FA"] = (new(60, 0.4, 1.2, 1.8), new(60, 0.6, 1.3, 1.9)),
        ["LG-FA"] = (new(60, 0.4, 1.2, 1.8), new(60, 0.6, 1.3, 1.9)),
        ["DFA"] = (new(60, 0.3, 1.2, 1.8), new(60, 0.5, 1.4, 2.1)),
        ["FG-W"] = (new(60, 0.4, 6.7, 7.4), new(60, 0.5, 5.3, 6.3)),
        ["FG-A"] = (new(300, 1.7, 2.0, 2.6), new(60, 0.5, 3.2, 4.3)),
        ["LG-FG-W"] = (new(60, 0.4, 6.2, 8.2), new(60, 0.5, 4.1, 5.5)),
        ["LG-FG-A"] = (new(300, 1.7, 2.1, 2.8), new(120, 0.9, 1.6, 2.3)),
    };

    /// <summary>The equivalent command.</summary>
    internal string Command
    {
        get
        {
            RunPlan plan = Plan(seed: 1, threads: 1);
            return string.Create(
                CultureInfo.InvariantCulture,
                $"onward train --dataset {Datasets.Mnist} --model {plan.Model.Preset} --rule {plan.Rule.Rule} ")
                + string.Create(
                    CultureInfo.InvariantCulture,
                    $"--epochs {plan.Options.Epochs} --batch-size {plan.Options.BatchSize} --lr {plan.Options.LearningRate}");
        }
    }

    /// <summary>The recorded run of a cell; null where this version lacks its data.</summary>
    internal static Reproduction? Of(PaperCell cell) => (cell.Dataset, cell.Model) switch
    {
        (Dataset, "S/1/1") => Recorded[cell.Row].Small.For(cell),
        (Dataset, "M/1/16") => Recorded[cell.Row].Medium.For(cell),
        _ => null,
    };

    /// <summary>The reason why a cell cannot be reproduced.</summary>
    internal static string Lack(PaperCell cell) => $"has no recorded run on {cell.Dataset} yet";

    /// <summary>One of its runs.</summary>
    internal RunPlan Plan(ulong seed, int threads) => new(
        ModelSettings.Default(Cell.Model),
        RuleSettings.Default(Cell.Row, threads),
        LossScope.All,
        ObjectiveSettings.Default,
        new AugmentationSettings("none", null, null),
        PresetDefaults.For(Cell.Model, Cell.Row).Training(Epochs, seed));

    private sealed record Record(int Epochs, double Minutes, double Least, double Most)
    {
        internal Reproduction For(PaperCell cell) => new(cell, Epochs, Minutes, new ErrorInterval(Least, Most));
    }
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
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture, $"an interval of errors goes up, within 0 and 100 percent; got {least} to {most}."));
        }

        (Least, Most) = (least, most);
    }

    /// <summary>The lowest error.</summary>
    internal double Least { get; }

    /// <summary>The highest error.</summary>
    internal double Most { get; }

    /// <summary>The place of an error: within the interval, or its distance from it.</summary>
    internal string Place(double error) => Math.Round(error, 2) switch
    {
        double rounded when rounded < Least => string.Create(CultureInfo.InvariantCulture, $"below it by {Least - rounded:0.00}"),
        double rounded when rounded > Most => string.Create(CultureInfo.InvariantCulture, $"above it by {rounded - Most:0.00}"),
        _ => "within it",
    };

    /// <summary>Both ends.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Least:0.00} to {Most:0.00} %");
}
