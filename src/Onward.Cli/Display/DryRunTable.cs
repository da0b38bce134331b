using System.Globalization;

namespace Onward.Cli;

/// <summary>Prints the result of a dry run.</summary>
internal static class DryRunTable
{
    /// <summary>Prints the result as a table or as one line of JSON.</summary>
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
                Optimizer = tried.Run.Optimizer.ToString().ToLowerInvariant(),
                tried.Run.LearningRate,
                tried.Run.ClipNorm,
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
            string blank = tried.Run.BlankViews == BlankViews.Redraw ? "redrawn" : "kept";
            table.Add(
                "augmentation",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{tried.Run.Augmentation}, crops of at least {100 * least:0.##} % of an image; blank crops are {blank}"));
        }

        string epochs = tried.Run.Epochs == 1 ? "1 epoch" : string.Create(CultureInfo.InvariantCulture, $"{tried.Run.Epochs} epochs");
        table.Add(
            "steps",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{epochs} of {tried.StepsPerEpoch:N0}, batch size {tried.Run.BatchSize}, learning rate {tried.Run.LearningRate:G6}"));
        string clipped = tried.Run.ClipNorm is double limit
            ? string.Create(CultureInfo.InvariantCulture, $", gradients clipped to a norm of {limit:G6}")
            : "";
        table.Add(
            "optimizer",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{tried.Run.Optimizer.ToString().ToLowerInvariant()}, weight decay {tried.Run.WeightDecay:G6}{clipped}"));
        table.Add(
            "memory",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{tried.PeakMegabytes:0} MB in total, of which {tried.ActivationBytes / 1e6:0.0} MB are activations"));
        table.Add(
            "speed",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{tried.ImagesPerSecond:N0} images/s on {tried.Run.Threads} thread{(tried.Run.Threads == 1 ? "" : "s")}"));
        table.Add("time", $"{Figures.Duration(TimeSpan.FromSeconds(tried.Seconds))}, without evaluation");
        table.Add("run", $"would be {CommandLineText.Quote(tried.Folder)}; nothing was written");
        table.Write(host.Out, host.OutWidth());
    }
}
