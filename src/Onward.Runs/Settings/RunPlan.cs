using System.Globalization;
using Onward.Data;
using Onward.Data.Augmentation;
using Onward.Losses;
using Onward.Models;
using Onward.Training;

namespace Onward.Runs;

/// <summary>A run before it has its images.</summary>
internal sealed record RunPlan(
    ModelSettings Model, RuleSettings Rule, LossScope LossScope, ObjectiveSettings Objective, string Augmentation, TrainingOptions Training)
{
    // Pixels along the side of a patch, beyond which there is a finer preset for the images.
    private const int LargestPatch = 64;

    // Steps are numbered in 32 bits.
    private const long MostSteps = uint.MaxValue;

    /// <summary>Batches whose images are learnt alone; null to learn all.</summary>
    internal int? OverfitBatches { get; init; }

    /// <summary>The options that were not given and follow the number of training images.</summary>
    internal SizeDefaults Following { get; init; } = SizeDefaults.None;

    /// <summary>Whether the option for blank views was not given and follows the channels of the images.</summary>
    internal bool FollowsChannels { get; init; }

    /// <summary>
    /// True if images to validate on are drawn by the seed, the same share of each class; false for the last ones, as in version 0.1.
    /// </summary>
    internal bool StratifiedValidation { get; init; } = true;

    /// <summary>The plan that a run was begun with.</summary>
    /// <param name="run">The run as it was resolved.</param>
    /// <param name="threads">Threads, which change no result.</param>
    internal static RunPlan Of(RunConfiguration run, int threads)
    {
        ObjectiveSettings supervised = ObjectiveSettings.Default;
        ObjectiveSettings objective = new(
            run.Projection,
            run.Overlap,
            run.Temperature ?? supervised.Temperature,
            run.ReadoutLearningRate ?? supervised.ReadoutLearningRate,
            run.ReadoutRateScale,
            run.Optimizer);
        TrainingOptions training = new()
        {
            Epochs = run.Epochs,
            BatchSize = run.BatchSize,
            LearningRate = run.LearningRate,
            Momentum = run.Momentum,
            WeightDecay = run.WeightDecay,
            Schedule = run.Schedule,
            WarmupEpochs = run.WarmupEpochs,
            AverageDecay = run.Ema,
            ComparedSteps = run.MeasureGradients,
            Seed = run.Seed,
        };
        LimitSettings limits = new(run.LimitBatches, run.OverfitBatches, run.EarlyStop) { LimitTestBatches = run.LimitTestBatches };
        return new RunPlan(
            run.Network,
            new RuleSettings(
                run.Rule, run.Perturbation, run.Passes, run.Layerwise, run.NoiseSites, run.ControlVariate, run.Recompute, threads),
            run.LossScope,
            objective,
            run.Augmentation,
            limits.Adapt(new AugmentationSettings(run.Augmentation, run.AreaMin, run.BlankViews).Adapt(objective.Adapt(training))))
        {
            OverfitBatches = run.OverfitBatches,
            StratifiedValidation = run.StratifiedValidation,
        };
    }

    /// <summary>Fits the defaults of the plan to the images, and says what their number changed.</summary>
    /// <param name="data">All images.</param>
    /// <param name="host">Takes the message.</param>
    internal RunPlan FitTo(TrainingData data, RunHost host) => FitToNumber(data, host).FitToChannels(data.Images.Training.Channels);

    /// <summary>Fits the defaults of the plan to images of so many channels.</summary>
    internal RunPlan FitToChannels(int channels) => FollowsChannels
        ? this with { Training = AugmentationSettings.Adapt(Training, AugmentationSettings.DefaultBlankViews(Augmentation, channels)) }
        : this;

    private RunPlan FitToNumber(TrainingData data, RunHost host)
    {
        int images = data.Images.Training.Count;
        TrainingOptions fitted = Following.Fit(Training, images, OverfitBatches is not null || Training.MaximumSteps is not null);
        if (fitted == Training)
        {
            return this;
        }

        string message = $"the {images} training images are few, so the defaults are {SizeDefaults.Describe(Training, fitted)}.";
        host.NoticeOnce(message);
        return this with { Training = fitted };
    }

    /// <summary>Says so if one patch of the network takes more pixels than it should, which makes the first layer huge.</summary>
    /// <param name="data">The images.</param>
    /// <param name="parameters">Parameters of the model.</param>
    /// <param name="host">Takes the message.</param>
    internal void WarnOfLargePatches(TrainingData data, long parameters, RunHost host)
    {
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
                ? [string.Create(CultureInfo.InvariantCulture, $"--image-size {LargestPatch / 2 * grid}")]
                : Array.Empty<string>(),
            .. finer.Length > 0 ? [$"--model {finer}"] : Array.Empty<string>(),
        ];
        string message = string.Create(
            CultureInfo.InvariantCulture,
            $"{Model.Name} has {parameters:N0} parameters on these images, because each of its patches is {patch}x{patch} pixels.{(cures.Length > 0 ? $" Try {string.Join(" or ", cures)}." : "")}");
        host.NoticeOnce(message);
    }

    /// <summary>The images that the plan learns, and those that its errors are on.</summary>
    /// <param name="data">All images.</param>
    internal TrainingData Choose(TrainingData data)
    {
        data = HoldOut(data);
        if (OverfitBatches is not int batches)
        {
            return data;
        }

        long images = (long)batches * Training.BatchSize;
        if (images > data.Images.Training.Count)
        {
            throw new RunException(
                $"--overfit-batches {batches} of {Training.BatchSize} images are more than the {data.Images.Training.Count} training images. Take fewer, or a smaller --batch-size.");
        }

        ImageSubset chosen = ImageSubset.Draw(data.Images.Training, (int)images, Training.Seed);
        return data with { Images = data.Images with { Training = chosen, Test = chosen }, LearnsWhatItTests = true };
    }

    /// <summary>Parts training images into those to learn and those held out.</summary>
    /// <param name="images">All training images.</param>
    /// <param name="count">Number of images to hold out.</param>
    internal (ImageSet Training, ImageSet HeldOut) HoldOut(ImageSet images, int count) =>
        StratifiedValidation ? images.HoldOut(count, Training.Seed) : images.SplitLast(count);

    // A set of one piece is split by the seed first. The validation set, if there is one, stands in for the test set.
    private TrainingData HoldOut(TrainingData data)
    {
        ImageDataset images = data.Images.IsOneSet ? data.Images.Split(Training.Seed) : data.Images;
        if (data.Validation == 0)
        {
            return data with { Images = images with { Test = images.Validation ?? images.Test } };
        }

        if (data.HasValidationSet)
        {
            throw new RunException(
                $"--validation {data.Validation} holds training images out, but {images.Source} has a validation set of its own. Leave --validation out.");
        }

        if (data.Validation >= images.Training.Count)
        {
            throw new RunException(
                $"--validation {data.Validation} leaves none of the {images.Training.Count} training images to learn from. Hold out fewer.");
        }

        (ImageSet training, ImageSet heldOut) = HoldOut(images.Training, data.Validation);
        return data with { Images = images with { Training = training, Test = heldOut } };
    }

    /// <summary>A model of the plan's preset for the images, its parameters not drawn yet.</summary>
    internal LocalMixer CreateModel(TrainingData data)
    {
        int images = data.Images.Training.Count;
        if (Training.BatchSize > images)
        {
            throw new RunException(
                $"--batch-size {Training.BatchSize} is more than the {images} training images. Take at most {images}, or leave --batch-size out.");
        }

        if ((long)Training.Epochs * (images / Training.BatchSize) > MostSteps)
        {
            throw new RunException($"--epochs {Training.Epochs} make more than {MostSteps} steps. Take fewer epochs or a larger batch.");
        }

        return new LocalMixer(
            Objective.Adapt(Model.Options(data.Images.Training.Height, data.Images.Training.Channels, data.Images.Training.Classes)));
    }

    /// <summary>The run as it was resolved.</summary>
    internal RunConfiguration Configure(TrainingData data, long parameters) => new()
    {
        Version = RunEnvironment.Version,
        Rule = Rule.Rule,
        Perturbation = Rule.Perturbation,
        Passes = Rule.Passes,
        Recompute = Rule.Recompute,
        LossScope = LossScope,
        Projection = Objective.Projection,
        Overlap = Objective.Overlap,
        Layerwise = Rule.Layerwise,
        NoiseSites = Rule.Sites,
        ControlVariate = Rule.ControlVariate,
        Temperature = Objective.IsContrastive ? Objective.Temperature : null,
        ReadoutLearningRate = Objective.IsContrastive ? Objective.ReadoutLearningRate : null,
        ReadoutRateScale = Training.ReadoutRateScale,
        Optimizer = Training.Optimizer,
        Augmentation = Augmentation,
        AreaMin = Training.Augmentation.Crop == CropKind.Area ? Training.Augmentation.SmallestArea : null,
        BlankViews = Training.Augmentation.RedrawsBlank ? BlankViews.Redraw : BlankViews.Keep,
        Model = Model.Preset,
        Mixer = Model.Mixer,
        KernelSide = Model.KernelSide,
        Scaling = Model.Scaling,
        Epsilon = Model.Epsilon,
        Parameters = parameters,
        Dataset = data.Dataset,
        DatasetSource = data.Images.Source,
        Data = data.Directory,
        ImageSize = data.Dataset == Datasets.Folder ? data.Images.Training.Height : null,
        Antialias = data.Dataset == Datasets.Folder && data.Images.Training.Antialias,
        Images = ImageDescription.Of(data.Images),
        TrainingImages = data.Images.Training.Count,
        ImagesChecksum = data.Images.Checksum(),
        Validation = data.Validation,
        StratifiedValidation = data.Validation > 0 && StratifiedValidation,
        HasValidationSet = data.HasValidationSet,
        Epochs = Training.Epochs,
        BatchSize = Training.BatchSize,
        LearningRate = Training.LearningRate,
        Momentum = Training.Momentum,
        WeightDecay = Training.WeightDecay,
        Schedule = Training.Schedule,
        WarmupEpochs = Training.WarmupEpochs,
        Ema = Training.AverageDecay,
        LimitBatches = Training.MaximumSteps,
        LimitTestBatches = Training.MaximumTestBatches,
        OverfitBatches = OverfitBatches,
        EarlyStop = Training.Patience,
        MeasureGradients = Training.ComparedSteps,
        Seed = Training.Seed,
        Threads = Rule.Threads,
        Environment = RunEnvironment.Current,
    };
}
