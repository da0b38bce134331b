using System.Globalization;
using Onward.Data;
using Onward.Losses;
using Onward.Models;
using Onward.Training;

namespace Onward.Runs;

/// <summary>A run before it has its images.</summary>
/// <param name="Model">The network.</param>
/// <param name="Rule">The learning rule.</param>
/// <param name="LossScope">Local losses that a rule with perturbation reads.</param>
/// <param name="Objective">The objective.</param>
/// <param name="Views">The changes that are made to training images.</param>
/// <param name="Options">The other settings of training, to which <see cref="Training"/> adds the objective's and the views'.</param>
internal sealed record RunPlan(
    ModelSettings Model,
    RuleSettings Rule,
    LossScope LossScope,
    ObjectiveSettings Objective,
    AugmentationSettings Views,
    TrainingOptions Options)
{
    // Pixels along the side of a patch, beyond which there is a finer preset for the images.
    private const int LargestPatch = 64;

    // Steps are numbered in 32 bits.
    private const long MostSteps = uint.MaxValue;

    /// <summary>Batches whose images are learnt alone; null to learn all.</summary>
    internal int? OverfitBatches { get; init; }

    /// <summary>The options that were not given and follow the number of training images.</summary>
    internal SizeDefaults Following { get; init; } = SizeDefaults.None;

    /// <summary>
    /// True if images to validate on are drawn by the seed, the same share of each class; false for the last ones, as in version 0.1.
    /// </summary>
    internal bool StratifiedValidation { get; init; } = true;

    /// <summary>The initial weights; null to draw all.</summary>
    internal InitialWeights? Init { get; init; }

    /// <summary>The blocks that training leaves as they are (<see cref="FrozenBlocks"/>); null for none.</summary>
    internal string? Freeze { get; init; }

    /// <summary>The numbers of these blocks.</summary>
    internal IReadOnlyCollection<int>? Frozen => Freeze is null ? null : FrozenBlocks.TryRead(Freeze);

    /// <summary>The numbers of epochs that the run had before it was lengthened; empty for the most runs.</summary>
    internal IReadOnlyList<int> EpochsBefore { get; init; } = [];

    /// <summary>All settings of training.</summary>
    internal TrainingOptions Training => Views.Adapt(Objective.Adapt(Options));

    /// <summary>Names the values of the plan that do not go together; null where all do.</summary>
    internal Func<HostWords, string>? Conflict => RuleOptions.ConflictOf(Rule, LossScope, Objective, Model)
        ?? FrozenBlocks.ConflictOf(Freeze, Model, Rule, Options.ComparedSteps) ?? Views.Conflict;

    /// <summary>Fits the defaults of the plan to the images, and tells of the changes.</summary>
    /// <param name="data">All images.</param>
    /// <param name="host">Takes the message.</param>
    internal RunPlan FitTo(TrainingData data, RunHost host) => FitToNumber(data, host).FitToChannels(data.Images.Training.Channels);

    /// <summary>Fits the treatment of blank views, where it was not given, to the channels of the images.</summary>
    internal RunPlan FitToChannels(int channels) => Views.Blanks is null
        ? this with { Views = Views with { Blanks = AugmentationSettings.DefaultBlankViews(Views.Name, channels) } }
        : this;

    private RunPlan FitToNumber(TrainingData data, RunHost host)
    {
        int images = data.Images.Training.Count;
        TrainingOptions fitted = Following.Fit(Options, images, OverfitBatches is not null || Options.MaximumSteps is not null);
        if (fitted == Options)
        {
            return this;
        }

        string message = $"the {images} training images are few, so the defaults are {SizeDefaults.Describe(Options, fitted, host.Words)}.";
        host.NoticeOnce(message);
        return this with { Options = fitted };
    }

    /// <summary>Warns if one patch of the network has very many pixels, which makes the first layer huge.</summary>
    /// <param name="data">The images.</param>
    /// <param name="parameters">Parameters of the model.</param>
    /// <param name="host">Takes the message.</param>
    internal void WarnOfLargePatches(TrainingData data, long parameters, RunHost host)
    {
        if (!Model.IsPreset)
        {
            return;
        }

        ImageSet images = data.Images.Training;
        int grid = Model.Options(images.Height, images.Channels, images.Classes).PatchesPerSide, patch = images.Height / grid;
        if (patch <= LargestPatch)
        {
            return;
        }

        string finer = LocalMixerPresets.Names
            .FirstOrDefault(name => LocalMixerPresets.Get(name, images.Height, images.Channels, images.Classes).PatchesPerSide is int finer
                && images.Height % finer == 0 && images.Height / finer <= LargestPatch) ?? "";
        string[] cures =
        [
            .. data.Dataset == Datasets.Folder
                ? [string.Create(CultureInfo.InvariantCulture, $"{host.Words.Setting("image size")} {LargestPatch / 2 * grid}")]
                : Array.Empty<string>(),
            .. finer.Length > 0 ? [$"{host.Words.Setting("model")} {finer}"] : Array.Empty<string>(),
        ];
        string cure = cures.Length > 0 ? $" Try {string.Join(" or ", cures)}." : "";
        string message = string.Create(
            CultureInfo.InvariantCulture,
            $"{Model.Name} has {parameters:N0} parameters on these images, because each of its patches is {patch}x{patch} pixels.{cure}");
        host.NoticeOnce(message);
    }

    /// <summary>The images that the plan learns, and the images that its errors are reported on.</summary>
    /// <param name="data">All images.</param>
    internal TrainingData Choose(TrainingData data)
    {
        data = HoldOut(data);
        if (OverfitBatches is not int batches)
        {
            return data;
        }

        long images = (long)batches * Options.BatchSize;
        if (images > data.Images.Training.Count)
        {
            throw new RunException(say =>
                $"{say.Setting("overfit batches")} {batches} of {Options.BatchSize} images are more than the "
                + $"{data.Images.Training.Count} training images. Take fewer, or a smaller {say.Setting("batch size")}.");
        }

        ImageSubset chosen = ImageSubset.Draw(data.Images.Training, (int)images, Options.Seed);
        return data with { Images = data.Images with { Training = chosen, Test = chosen }, LearnsWhatItTests = true };
    }

    /// <summary>Divides training images into images to learn and images held out.</summary>
    /// <param name="images">All training images.</param>
    /// <param name="count">Number of images to hold out.</param>
    internal (ImageSet Training, ImageSet HeldOut) HoldOut(ImageSet images, int count) =>
        StratifiedValidation ? images.HoldOut(count, Options.Seed) : images.SplitLast(count);

    // A set of one piece is split by the seed first. The validation set, if there is one, stands in for the test set.
    private TrainingData HoldOut(TrainingData data)
    {
        ImageDataset images = data.Images.IsOneSet ? data.Images.Split(Options.Seed) : data.Images;
        if (data.Validation == 0)
        {
            return data with { Images = images with { Test = images.Validation ?? images.Test } };
        }

        if (data.HasValidationSet)
        {
            throw new RunException(say =>
                $"{say.Setting("validation")} {data.Validation} holds training images out, but {images.Source} has a validation set "
                + $"of its own. Leave {say.Setting("validation")} out.");
        }

        if (data.Validation >= images.Training.Count)
        {
            throw new RunException(say =>
                $"{say.Setting("validation")} {data.Validation} leaves none of the {images.Training.Count} training images to learn from. "
                + "Hold out fewer.");
        }

        (ImageSet training, ImageSet heldOut) = HoldOut(images.Training, data.Validation);
        return data with { Images = images with { Training = training, Test = heldOut } };
    }

    /// <summary>The plan's network for the images, its parameters not drawn yet.</summary>
    internal Network CreateModel(TrainingData data)
    {
        int images = data.Images.Training.Count;
        if (Options.BatchSize > images)
        {
            throw new RunException(say =>
                $"{say.Setting("batch size")} {Options.BatchSize} is more than the {images} training images. "
                + $"Take at most {images}, or leave {say.Setting("batch size")} out.");
        }

        if ((long)Options.Epochs * (images / Options.BatchSize) > MostSteps)
        {
            throw new RunException(say =>
                $"{say.Setting("epochs")} {Options.Epochs} make more than {MostSteps} steps. Take fewer epochs or a larger batch.");
        }

        ImageSet training = data.Images.Training;
        return training.IsText ? Model.BuildForText(training.Height, training.Classes, Objective)
            : Model.Build(training.Height, training.Channels, training.Classes, Objective);
    }
}
