using System.Globalization;
using Onward.Training;

namespace Onward.Runs;

/// <summary>Shows a run while it trains.</summary>
internal abstract class TrainingDisplay
{
    /// <summary>Carries a run out, with the display in place around it.</summary>
    internal abstract TrainingResult Show(Func<TrainingResult> run);

    /// <summary>Takes the progress of the run.</summary>
    internal abstract void Progress(TrainingProgress progress);

    /// <summary>Takes the measurements of an epoch.</summary>
    internal abstract void EpochEnded(EpochMetrics epoch);

    /// <summary>Several losses, as a cell shows them.</summary>
    protected static string Losses(IEnumerable<double> losses) =>
        string.Join(' ', losses.Select(loss => loss.ToString("0.000", CultureInfo.InvariantCulture)));

    /// <summary>The time that the rest takes at the speed so far.</summary>
    /// <param name="elapsed">Time so far.</param>
    /// <param name="done">Part of the run that is done, above 0.</param>
    protected static string TimeLeft(TimeSpan elapsed, double done) =>
        Figures.Duration(TimeSpan.FromSeconds(Math.Ceiling((elapsed * ((1 / done) - 1)).TotalSeconds)));
}
