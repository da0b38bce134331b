using System.Globalization;

namespace Onward.Runs;

/// <summary>The outcome of a verdict.</summary>
internal enum VerdictKind
{
    /// <summary>Our error is the paper's or lower, or above it by less than the seeds differ.</summary>
    Reproduced,

    /// <summary>Our error is above the paper's, or a run diverged.</summary>
    NotReproduced,

    /// <summary>Nothing can be said.</summary>
    None,
}

/// <summary>A verdict on our error beside the paper's.</summary>
/// <param name="Kind">The answer.</param>
/// <param name="Reason">The answer's reason, half a sentence.</param>
internal sealed record Verdict(VerdictKind Kind, string Reason)
{
    /// <summary>Judges a test error against the paper's, both in percent with the paper's two decimals.</summary>
    /// <param name="ours">Ours; null where every run diverged.</param>
    /// <param name="diverged">Runs that diverged.</param>
    /// <param name="runs">All runs.</param>
    /// <param name="paper">The paper's.</param>
    internal static Verdict Of(SeedStatistics? ours, int diverged, int runs, double paper)
    {
        if (ours is null || diverged > 0)
        {
            return new Verdict(
                VerdictKind.NotReproduced,
                string.Create(CultureInfo.InvariantCulture, $"{diverged} of {runs} run{(runs == 1 ? "" : "s")} diverged"));
        }

        double above = Math.Round(Math.Round(ours.Mean, 2) - paper, 2);
        string points = string.Create(CultureInfo.InvariantCulture, $"{Math.Abs(above):0.00} points");
        return above switch
        {
            0 => new Verdict(VerdictKind.Reproduced, "the paper's error"),
            < 0 => new Verdict(VerdictKind.Reproduced, $"below the paper's error by {points}"),
            _ when above <= ours.Deviation => new Verdict(
                VerdictKind.Reproduced,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"above the paper's error by {points}, no more than the seeds' deviation of {ours.Deviation:0.00}")),
            _ => new Verdict(VerdictKind.NotReproduced, $"above the paper's error by {points}"),
        };
    }

    /// <summary>The verdict where the data differs from the paper's; null where it does not.</summary>
    internal static Verdict? OfOtherData(int trainingImages, int testImages) =>
        (trainingImages, testImages) == (Reproduction.TrainingImages, Reproduction.TestImages)
            ? null
            : new Verdict(
                VerdictKind.None,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the data has {trainingImages:N0} training and {testImages:N0} test images, ")
                + string.Create(
                    CultureInfo.InvariantCulture,
                    $"the paper's MNIST {Reproduction.TrainingImages:N0} and {Reproduction.TestImages:N0}"));

    /// <summary>The verdict as a sentence.</summary>
    public override string ToString() => Kind switch
    {
        VerdictKind.Reproduced => $"reproduced: {Reason}",
        VerdictKind.NotReproduced => $"not reproduced: {Reason}",
        _ => $"no verdict: {Reason}",
    };
}
