using System.Globalization;
using Onward.Training;

namespace Onward.Cli;

/// <summary>One line for each epoch: for files and pipes.</summary>
/// <param name="output">Takes the lines.</param>
/// <param name="epochs">Epochs of the run.</param>
/// <param name="heldOut">What errors are reported on: test, or validation.</param>
internal sealed class PlainDisplay(TextWriter output, int epochs, string heldOut) : TrainingDisplay
{
    internal override TrainingResult Show(Func<TrainingResult> run) => run();

    internal override void Progress(TrainingProgress progress)
    {
    }

    internal override void EpochEnded(EpochMetrics epoch)
    {
        string left = epoch.Epoch < epochs ? $", {TimeLeft(epoch.Elapsed, (double)epoch.Epoch / epochs)} left" : "";
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {epoch.Epoch}/{epochs}: train error {epoch.TrainError:0.00} %, {heldOut} error {epoch.TestError:0.00} %, block losses {Losses(epoch.BlockLosses)}, {epoch.ImagesPerSecond:N0} images/s{left}"));
    }
}
