namespace Onward.Runs;

/// <summary>The time and memory that a run would take, measured in its first steps.</summary>
/// <param name="Run">The run's options.</param>
/// <param name="StepsPerEpoch">Steps of an epoch.</param>
/// <param name="ActivationBytes">Memory that a step works in beside parameters and gradients.</param>
/// <param name="ImagesPerSecond">Training speed.</param>
/// <param name="PeakMegabytes">Memory of the process at its highest.</param>
/// <param name="Folder">The folder that the run would be kept in.</param>
internal sealed record DryRun(
    RunConfiguration Run, int StepsPerEpoch, long ActivationBytes, double ImagesPerSecond, double PeakMegabytes, string Folder)
{
    private const int Steps = 8;

    /// <summary>Time that training takes, evaluation left out.</summary>
    internal double Seconds => (double)Run.Epochs * StepsPerEpoch * Run.BatchSize / ImagesPerSecond;

    /// <summary>Tries a run.</summary>
    internal static DryRun Of(TrainingRun run, string folder)
    {
        double speed = run.Rehearse(Steps);
        return new DryRun(run.Configuration, run.StepsPerEpoch, run.ActivationBytes, speed, ProcessMemory.PeakMegabytes, folder);
    }
}
