using System.Globalization;

namespace Onward.Cli;

/// <summary>Shows what a run would take.</summary>
internal static class DryRunTable
{
    /// <summary>Writes it for people, or as a line of JSON.</summary>
    internal static void Write(this DryRun tried, Host host, bool asJson)
    {
        if (asJson)
        {
            host.WriteJson(new
            {
                tried.Run.Rule,
                Model = tried.Run.Network.Name,
                tried.Run.Dataset,
                tried.Run.Epochs,
                tried.StepsPerEpoch,
                tried.Run.BatchSize,
                tried.Run.Augmentation,
                tried.Run.AreaMin,
                BlankViews = tried.Run.BlankViews.ToString().ToLowerInvariant(),
                tried.Run.Parameters,
                tried.ActivationBytes,
                PeakMemoryMB = tried.PeakMegabytes,
                tried.ImagesPerSecond,
                tried.Seconds,
                Run = tried.Folder,
            });
            return;
        }

        TextTable table = new();
        table.Add(
            "model",
            string.Create(
                CultureInfo.InvariantCulture, $"{tried.Run.Network.Name}, {tried.Run.Parameters:N0} parameters, {tried.Run.Rule}"));
        table.Add("data", tried.Run.DescribeData());
        if (tried.Run.AreaMin is double least)
        {
            string blank = tried.Run.BlankViews == BlankViews.Redraw ? "drawn again" : "kept";
            table.Add("views", string.Create(
                CultureInfo.InvariantCulture, $"{tried.Run.Augmentation}, crops of {100 * least:0.##} % of an image or more; blank ones are {blank}"));
        }

        table.Add("steps", string.Create(
            CultureInfo.InvariantCulture,
            $"{tried.Run.Epochs} epoch{(tried.Run.Epochs == 1 ? "" : "s")} of {tried.StepsPerEpoch:N0}, {tried.Run.BatchSize} images each, learning rate {tried.Run.LearningRate:G6}"));
        table.Add(
            "memory",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{tried.ActivationBytes / 1e6:0.0} MB of activations; {tried.PeakMegabytes:0} MB for the whole process"));
        table.Add(
            "speed",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{tried.ImagesPerSecond:N0} images/s on {tried.Run.Threads} thread{(tried.Run.Threads == 1 ? "" : "s")}"));
        table.Add("time", $"{Figures.Duration(TimeSpan.FromSeconds(tried.Seconds))}, evaluation left out");
        table.Add("run", $"would be in {CommandLineText.Quote(tried.Folder)}; nothing was written");
        table.Write(host.Out, host.OutWidth());
    }
}
