using System.Globalization;
using Onward.Training;

namespace Onward.Cli;

/// <summary>A display for files and pipes: one line for each epoch.</summary>
/// <param name="output">The writer of the lines.</param>
/// <param name="run">The configuration of the run.</param>
internal sealed class PlainDisplay(TextWriter output, RunConfiguration run) : TrainingDisplay
{
    internal override TrainingResult Show(Func<TrainingResult> run) => run();

    internal override void Progress(TrainingProgress progress)
    {
    }

    internal override void EpochEnded(EpochMetrics epoch)
    {
        string left = epoch.Epoch < run.Epochs ? $", {TimeLeft(epoch.Elapsed, (double)epoch.Epoch / run.Epochs)} left" : "";
        string losses = epoch.BlockLosses.Count > 0 ? $", block losses {Losses(epoch.BlockLosses)}" : "";
        string errors = $"{run.LearntMeasure} {run.Measure(epoch.TrainError, epoch.TrainLoss)}, "
            + $"{run.HeldOutMeasure} {run.Measure(epoch.TestError, epoch.TestLoss)}";
        string speed = string.Create(CultureInfo.InvariantCulture, $"{epoch.ImagesPerSecond:N0} {run.Examples}/s");
        output.WriteLine($"epoch {epoch.Epoch}/{run.Epochs}: {errors}{losses}, {speed}{left}");
    }
}
