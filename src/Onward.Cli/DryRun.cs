using System.Globalization;

namespace Onward.Cli;

/// <summary>What a run would take, found out by its first steps: what <c>onward train --dry-run</c> tells.</summary>
/// <param name="Run">The run's options.</param>
/// <param name="StepsPerEpoch">Steps of an epoch.</param>
/// <param name="ActivationBytes">What a step works in beside parameters and gradients.</param>
/// <param name="ImagesPerSecond">Training speed.</param>
/// <param name="PeakMegabytes">Memory of the process at its highest.</param>
/// <param name="Folder">Where the run would be kept.</param>
internal sealed record DryRun(RunConfiguration Run, int StepsPerEpoch, long ActivationBytes, double ImagesPerSecond, double PeakMegabytes, string Folder)
{
    private const int Steps = 8;

    private double Seconds => (double)Run.Epochs * StepsPerEpoch * Run.BatchSize / ImagesPerSecond;

    /// <summary>Tries a run.</summary>
    internal static DryRun Of(TrainingRun run, string folder)
    {
        double speed = run.Rehearse(Steps);
        return new DryRun(run.Configuration, run.StepsPerEpoch, run.ActivationBytes, speed, ProcessMemory.PeakMegabytes, folder);
    }

    /// <summary>Writes it for people, or as a line of JSON.</summary>
    internal void Write(Host host, bool asJson)
    {
        if (asJson)
        {
            host.WriteJson(new
            {
                Run.Rule,
                Model = Run.Network.Name,
                Run.Dataset,
                Run.Epochs,
                StepsPerEpoch,
                Run.BatchSize,
                Run.Augmentation,
                Run.AreaMin,
                BlankViews = Run.BlankViews.ToString().ToLowerInvariant(),
                Run.Parameters,
                ActivationBytes,
                PeakMemoryMB = PeakMegabytes,
                ImagesPerSecond,
                Seconds,
                Run = Folder,
            });
            return;
        }

        TextTable table = new();
        table.Add("model", string.Create(CultureInfo.InvariantCulture, $"{Run.Network.Name}, {Run.Parameters:N0} parameters, {Run.Rule}"));
        table.Add("data", Run.DescribeData());
        if (Run.AreaMin is double least)
        {
            string blank = Run.BlankViews == BlankViews.Redraw ? "drawn again" : "kept";
            table.Add("views", string.Create(
                CultureInfo.InvariantCulture, $"{Run.Augmentation}, crops of {100 * least:0.##} % of an image or more; blank ones are {blank}"));
        }

        table.Add("steps", string.Create(
            CultureInfo.InvariantCulture,
            $"{Run.Epochs} epoch{(Run.Epochs == 1 ? "" : "s")} of {StepsPerEpoch:N0}, {Run.BatchSize} images each, learning rate {Run.LearningRate:G6}"));
        table.Add("memory", string.Create(CultureInfo.InvariantCulture, $"{ActivationBytes / 1e6:0.0} MB of activations; {PeakMegabytes:0} MB for the whole process"));
        table.Add("speed", string.Create(CultureInfo.InvariantCulture, $"{ImagesPerSecond:N0} images/s on {Run.Threads} thread{(Run.Threads == 1 ? "" : "s")}"));
        table.Add("time", $"{TextTable.Duration(TimeSpan.FromSeconds(Seconds))}, evaluation left out");
        table.Add("run", $"would be in {CommandLineText.Quote(Folder)}; nothing was written");
        table.Write(host.Out);
    }
}
