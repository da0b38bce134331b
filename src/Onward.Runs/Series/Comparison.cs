using System.Globalization;

namespace Onward.Runs;

/// <summary>The measurements of a rule, over its seeds.</summary>
/// <param name="Rule">The paper's name of it.</param>
/// <param name="LearningRate">The full learning rate.</param>
/// <param name="Seeds">Seeds that it was trained with.</param>
/// <param name="Diverged">The number of them that diverged; the rest of this record is about the others.</param>
/// <param name="TestError">Error on the test set, or on images held out, in percent.</param>
/// <param name="TrainError">Error on the training set, in percent.</param>
/// <param name="ImagesPerSecond">Training speed, the median over seeds.</param>
/// <param name="ActivationMB">Memory that a step works in beside parameters and gradients.</param>
/// <param name="Seconds">Time of a run, the median over seeds.</param>
/// <param name="Curve">Mean error on the test set after each epoch.</param>
/// <param name="Paper">The errors that the paper reports.</param>
internal sealed record ComparedRule(
    string Rule,
    double LearningRate,
    int Seeds,
    int Diverged,
    SeedStatistics? TestError,
    SeedStatistics? TrainError,
    double? ImagesPerSecond,
    double ActivationMB,
    double? Seconds,
    IReadOnlyList<double> Curve,
    PaperCell? Paper)
{
    /// <summary>Puts a rule's runs together.</summary>
    internal static ComparedRule Of(IReadOnlyList<EndedRun> runs)
    {
        RunConfiguration run = runs[0].Configuration;
        EndedRun[] whole = [.. runs.Where(run => run.Result.Divergence is null)];
        return new ComparedRule(
            run.Rule,
            run.LearningRate,
            runs.Count,
            runs.Count - whole.Length,
            SeedStatistics.Of([.. whole.Select(run => run.Result.TestError!.Value)]),
            SeedStatistics.Of([.. whole.Select(run => run.Result.TrainError!.Value)]),
            SeedStatistics.Median(whole.Select(run => run.Result.ImagesPerSecond!.Value)),
            runs[0].Result.ActivationMB,
            SeedStatistics.Median(whole.Select(run => run.Result.Seconds!.Value)),
            whole.Length == 0 ? [] : [.. Enumerable.Range(0, run.Epochs).Select(epoch => whole.Average(run => run.TestErrors[epoch]))],
            run.Validation == 0 ? PaperResults.Find(run.Projection > 0 ? 4 : 3, run.Rule, run.Dataset, run.Network.Name) : null);
    }

    /// <summary>The cell of a table that holds an error.</summary>
    internal string Show(SeedStatistics? error) => (error, Diverged) switch
    {
        (null, _) => "diverged",
        (_, 0) => error.ToString(),
        _ => string.Create(CultureInfo.InvariantCulture, $"{error} ({Diverged} of {Seeds} diverged)"),
    };
}

/// <summary>Several rules on the same images and the same model.</summary>
internal sealed class Comparison
{
    /// <summary>Puts runs together by rule, in their order.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="heldOut">What errors are reported on: test, or validation.</param>
    internal Comparison(IReadOnlyList<EndedRun> runs, string heldOut)
    {
        Options = runs[0].Configuration;
        HeldOut = heldOut;
        Rules = [.. runs.GroupBy(run => run.Configuration.Rule).Select(rule => ComparedRule.Of([.. rule]))];
    }

    /// <summary>The options of the first run; model, data, epochs and batch size are the same for all.</summary>
    internal RunConfiguration Options { get; }

    /// <summary>The images that errors are reported on: test, or validation.</summary>
    internal string HeldOut { get; }

    /// <summary>The rules.</summary>
    internal IReadOnlyList<ComparedRule> Rules { get; }

    /// <summary>The network, the data set and the epochs of the comparison.</summary>
    internal string Title =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Options.Network.Name} on {Options.Dataset}, {Options.Epochs} epoch{(Options.Epochs == 1 ? "" : "s")}");

    /// <summary>An explanation of the numbers of the table.</summary>
    internal string Note
    {
        get
        {
            int seeds = Rules.Max(rule => rule.Seeds);
            string spread = seeds == 1
                ? "one seed"
                : string.Create(
                    CultureInfo.InvariantCulture, $"seeds 1 to {seeds}: mean ± standard deviation of errors, median of speed and time");
            string paper = Rules.Any(rule => rule.Paper is not null)
                ? $" Paper: test / train error of its Table {(Options.Projection > 0 ? 4 : 3)}."
                : "";
            string threads = Options.Threads == 1 ? "thread" : "threads";
            return string.Create(
                CultureInfo.InvariantCulture,
                $"Errors in percent; {spread}. Batch size {Options.BatchSize}, {Options.Threads} {threads}.{paper}");
        }
    }

    /// <summary>The lines of the table as CSV: numbers alone, and nothing where there is none.</summary>
    internal IEnumerable<string> CsvLines()
    {
        string error = $"{HeldOut}_error";
        yield return $"rule,learning_rate,seeds,diverged,{error},{error}_deviation,train_error,train_error_deviation,"
            + "images_per_second,activation_mb,seconds,paper_test_error,paper_train_error";
        foreach (ComparedRule rule in Rules)
        {
            double?[] numbers =
            [
                rule.LearningRate,
                rule.Seeds,
                rule.Diverged,
                rule.TestError?.Mean,
                rule.TestError?.Deviation,
                rule.TrainError?.Mean,
                rule.TrainError?.Deviation,
                rule.ImagesPerSecond,
                rule.ActivationMB,
                rule.Seconds,
                rule.Paper?.TestError,
                rule.Paper?.TrainError,
            ];
            yield return $"{rule.Rule},{string.Join(',', numbers.Select(number => Number(number, "G9", none: "")))}";
        }
    }

    /// <summary>A number as a cell shows it.</summary>
    internal static string Number(double? number, string format, string none = "-") =>
        number?.ToString(format, CultureInfo.InvariantCulture) ?? none;
}
