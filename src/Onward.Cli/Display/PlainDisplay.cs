using System.Globalization;
using Onward.Training;

namespace Onward.Cli;

/// <summary>One line for each epoch: for files and pipes.</summary>
/// <param name="output">Takes the lines.</param>
/// <param name="run">Options of the run.</param>
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
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {epoch.Epoch}/{run.Epochs}: {run.LearntError} {epoch.TrainError:0.00} %, {run.HeldOut} error {epoch.TestError:0.00} %{losses}, {epoch.ImagesPerSecond:N0} images/s{left}"));
    }
}
