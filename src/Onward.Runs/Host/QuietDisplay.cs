using Onward.Training;

namespace Onward.Runs;

/// <summary>Shows nothing of a run: for one of many, of which each gets a line when it has ended.</summary>
internal sealed class QuietDisplay : TrainingDisplay
{
    internal override TrainingResult Show(Func<TrainingResult> run) => run();

    internal override void Progress(TrainingProgress progress)
    {
    }

    internal override void EpochEnded(EpochMetrics epoch)
    {
    }
}
