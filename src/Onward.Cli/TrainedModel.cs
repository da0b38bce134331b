using System.Globalization;
using Onward.Data;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The model of a run, with what it was trained on.</summary>
/// <param name="Folder">The run's folder.</param>
/// <param name="Run">Its options.</param>
/// <param name="Model">The model, its weights not packed.</param>
/// <param name="Epoch">The epoch whose model it is; null for the last.</param>
internal sealed record TrainedModel(string Folder, RunConfiguration Run, LocalMixer Model, int? Epoch)
{
    /// <summary>Reads the folder of a run.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="wanted">The epoch whose model is asked for; null for the last.</param>
    internal static TrainedModel Load(string folder, EpochChoice.Wanted? wanted = null)
    {
        RunFolder.RequireFolder(folder);
        RunConfiguration run = RunFolder.ReadConfiguration(folder);
        return wanted?.ReadCheckpoint(folder) is Checkpoint checkpoint
            ? new TrainedModel(folder, run, checkpoint.EvaluatedModel(), checkpoint.Epochs.Count)
            : new TrainedModel(folder, run, ModelFile.Load(RunFolder.ModelPathIn(folder)), null);
    }

    /// <summary>The epoch whose model it is, as a heading shows it; empty for the last.</summary>
    internal string DescribeEpoch() => Epoch is int epoch ? string.Create(CultureInfo.InvariantCulture, $" after epoch {epoch}") : "";

    /// <summary>How images are standardised and classes are named.</summary>
    internal ImageDescription DescribeImages(Host host)
    {
        ImageDescription images = Run.Images ?? Find(host);
        return images.Fits(Model.Options.ImageChannels, Model.Options.Classes)
            ? images
            : throw new CommandFault($"{Folder}: the class names and the statistics of the run's images do not fit its model of {Model.Options.ImageChannels} channels and {Model.Options.Classes} classes. Restore the folder, or train anew.");
    }

    /// <summary>Refuses what only heads that have learned to classify can do.</summary>
    internal void RequireClassifyingHeads(string option)
    {
        if (Model.Options.IsSelfSupervised)
        {
            throw new CommandFault($"{option} means nothing to {Folder}, a contrastive run: the heads of its blocks compare images and know no classes. Leave it out.");
        }

        if (!PaperRules.HasLocalLosses(Run.Rule))
        {
            throw new CommandFault($"{option} means nothing to {Folder}, trained with {Run.Rule}, which has no local losses: the heads of its blocks have learned nothing. Leave it out.");
        }
    }

    /// <summary>Refuses images that a model cannot take.</summary>
    internal static void RequireFit(LocalMixerOptions model, ImageDataset data)
    {
        ImageSet images = data.Training;
        if ((model.ImageSide, model.ImageChannels, model.Classes) != (images.Height, images.Channels, images.Classes))
        {
            throw new CommandFault(
                $"the model takes images of {model.ImageSide}x{model.ImageSide}x{model.ImageChannels} in {model.Classes} classes; {data.Source} has {images.Height}x{images.Width}x{images.Channels} in {images.Classes}. Name other data.");
        }
    }

    /// <summary>A probability that a block's head must reach to answer.</summary>
    internal static System.CommandLine.Option<double?> ExitConfidenceOption(string effect) =>
        ValueOption.Number("--exit-confidence", $"Probability that the head of a block must reach to answer in place of the blocks after it{effect}", "above 0 and at most 1", value => value is > 0 and <= 1);

    // Runs of earlier versions did not keep it; their data has it still.
    private ImageDescription Find(Host host)
    {
        ImageDescription images = ImageDescription.Of(Datasets.Load(Run.Dataset, Run.Data, Run.ImageSize, host).Data);
        host.Error.WriteLine($"onward: {Folder} is of a version that kept no class names and no statistics of its images; taking those of {Run.Dataset} as it is here.");
        return images;
    }
}
