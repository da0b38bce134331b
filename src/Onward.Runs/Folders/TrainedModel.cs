using System.Globalization;
using Onward.Data;
using Onward.Imaging;
using Onward.Models;
using Onward.Training;

namespace Onward.Runs;

/// <summary>The model of a run, with the options that it was trained with.</summary>
/// <param name="Folder">The run's folder.</param>
/// <param name="Run">Its options.</param>
/// <param name="Model">The model, its weights not packed.</param>
/// <param name="Epoch">The epoch whose model it is; null for the last.</param>
internal sealed record TrainedModel(string Folder, RunConfiguration Run, Network Model, int? Epoch)
{
    private const int ShownNames = 5;

    /// <summary>Reads the folder of a run.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="wanted">The epoch whose model is asked for; null for the last.</param>
    internal static TrainedModel Load(string folder, WantedEpoch? wanted = null)
    {
        RunFolder.RequireFolder(folder);
        RunConfiguration run = RunFolder.ReadConfiguration(folder);
        return wanted?.ReadCheckpoint(folder) is Checkpoint checkpoint
            ? new TrainedModel(folder, run, checkpoint.EvaluatedModel(), checkpoint.Epochs.Count)
            : new TrainedModel(folder, run, ModelFile.Load(RunFolder.ModelPathIn(folder)), null);
    }

    /// <summary>The epoch whose model it is, as a heading shows it; empty for the last.</summary>
    internal string DescribeEpoch() => Epoch is int epoch ? string.Create(CultureInfo.InvariantCulture, $" after epoch {epoch}") : "";

    /// <summary>The statistics that standardise images, and the names of classes.</summary>
    internal ImageDescription DescribeImages(RunHost host)
    {
        ImageDescription images = Run.Images ?? Find(host);
        return images.Fits(Model.Input.Channels, Model.Classes)
            ? images
            : throw new RunException(
                $"{Folder}: the class names and the statistics of the run's images do not fit its model of "
                + $"{Model.Input.Channels} channels and {Model.Classes} classes. Restore the folder, or train again.");
    }

    /// <summary>Describes the way to resize an image for the model, as an export tells it.</summary>
    internal string DescribeResize()
    {
        int side = Model.Input.Height;
        return Run.Dataset != Datasets.Folder
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"none in training: the images of {Run.Dataset} are {side}x{side}; predict averages the middle square of others by area")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"middle square of {side}/{side + 32} of the shorter side, bicubic (a = -0.5) to {side}x{side}, ")
                + (Run.Antialias ? "antialiased, as PIL and torchvision by default" : "not antialiased: four taps at any scale");
    }

    /// <summary>Refuses what only a model of images can do.</summary>
    /// <param name="what">The option or the command.</param>
    internal void RequireImages(string what)
    {
        if (Model.Settings.PredictsNextToken)
        {
            throw new RunException(
                $"{what} needs a model of images, but {Folder} was trained on a text. 'onward sample' lets it write one.");
        }
    }

    /// <summary>Refuses what only heads that have learned to classify can do.</summary>
    internal void RequireClassifyingHeads(string option)
    {
        if (Model.IsSelfSupervised)
        {
            throw new RunException(
                $"{option} means nothing to {Folder}, a contrastive run: the heads of its blocks compare images and know no classes. "
                + "Leave it out.");
        }

        if (!PaperRules.Get(Run.Rule).HasLocalLosses)
        {
            throw new RunException(
                $"{option} means nothing to {Folder}, trained with {Run.Rule}, which has no local losses: "
                + "the heads of its blocks have learned nothing. Leave it out.");
        }
    }

    /// <summary>Gives each class of images the number that the model has for the class of that name.</summary>
    /// <param name="data">The images.</param>
    /// <param name="dataset">Name of the data set.</param>
    /// <exception cref="RunException">The model cannot take the images, or does not know a class.</exception>
    internal ImageDataset Fit(ImageDataset data, string dataset)
    {
        // IDX files number classes and do not name them; early versions kept no names.
        ImageSet images = data.Training;
        if (images.IsText != Model.Settings.PredictsNextToken)
        {
            throw new RunException(
                $"the model of {Folder} was trained on {(images.IsText ? "images" : "a text")}, "
                + $"but {data.Source} has {(images.IsText ? "a text" : "images")}. Name other data.");
        }

        if (images.IsText)
        {
            return data.Renumber(Run.Images!.ClassNames) ?? throw UnknownCharacter(data);
        }

        (int height, int width, int channels) = Model.Input;
        bool isNamed = dataset != Datasets.Idx && Run.Dataset != Datasets.Idx
            && Run.Images?.Fits(channels, Model.Classes) == true;
        string[]? names = isNamed ? [.. Run.Images!.ClassNames.Select(PathName.Compose)] : null;
        bool fits = (height, width, channels) == (images.Height, images.Width, images.Channels);
        if (fits && names is not null)
        {
            return data.Renumber(names) ?? throw UnknownClass(names, data);
        }

        if (!fits || Model.Classes != images.Classes)
        {
            throw new RunException(
                $"the model takes images of {height}x{width}x{channels} in {Model.Classes} classes; "
                + $"{data.Source} has {images.Height}x{images.Width}x{images.Channels} in {images.Classes}. Name other data.");
        }

        return data;
    }

    private RunException UnknownCharacter(ImageDataset data)
    {
        string[] unknown = [.. data.ClassNames.Except(Run.Images!.ClassNames).Take(ShownNames).Select(Vocabulary.Name)];
        return new RunException(
            $"{data.Source} has characters that the model of {Folder} does not know, such as {string.Join(", ", unknown)}. "
            + "Name a text of the same characters.");
    }

    private RunException UnknownClass(string[] names, ImageDataset data)
    {
        string[] unknown = [.. data.ClassNames.Except(names)], absent = [.. names.Except(data.ClassNames)];
        return new RunException(
            $"{data.Source} has classes that the model of {Folder} does not know: {List(unknown)}; "
            + $"{(absent.Length == 0 ? "it has all others" : $"it lacks {List(absent)}")}. Name classes alike, or name other data.");

        static string List(string[] all) => $"{string.Join(", ", all.Take(ShownNames))}{(all.Length > ShownNames ? ", ..." : "")}";
    }

    // Runs of earlier versions did not keep it; their data has it still.
    private ImageDescription Find(RunHost host)
    {
        ImageDescription images = ImageDescription.Of(
            Datasets.Load(Run.Dataset, Run.Data, Run.ImageSize, host, Run.Antialias, context: Run.Context).Data);
        host.Tell(
            $"onward: {Folder} is of a version that kept no class names and no statistics of its images; "
            + $"they are taken from {Run.Dataset} as it is here.");
        return images;
    }
}
