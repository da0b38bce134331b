using Onward.Data;
using Onward.Data.Augmentation;
using Onward.Learning;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli;

/// <summary>A run before it has its images.</summary>
internal sealed record RunPlan(ModelChoice.Settings Model, RuleChoice.Settings Rule, LossScope LossScope, ObjectiveChoice.Settings Objective, string Augmentation, TrainingOptions Training)
{
    // Steps are numbered in 32 bits.
    private const long MostSteps = uint.MaxValue;

    /// <summary>The plan that a run was begun with.</summary>
    /// <param name="run">The run as it was resolved.</param>
    /// <param name="threads">Threads, which change no result.</param>
    internal static RunPlan Of(RunConfiguration run, int threads)
    {
        ObjectiveChoice.Settings supervised = ObjectiveChoice.Settings.Default;
        ObjectiveChoice.Settings objective = new(
            run.Projection,
            run.Similarity,
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
            Seed = run.Seed,
        };
        return new RunPlan(
            run.Network,
            new RuleChoice.Settings(run.Rule, run.Perturbation, run.Passes, run.Layerwise, run.Recompute, threads),
            run.LossScope,
            objective,
            run.Augmentation,
            new AugmentationChoice.Settings(run.Augmentation, run.AreaMin).Adapt(objective.Adapt(training)));
    }

    /// <summary>A model of the plan's preset for the images, its parameters not drawn yet.</summary>
    internal LocalMixer CreateModel(TrainingData data)
    {
        int images = data.Images.Training.Count;
        if (Training.BatchSize > images)
        {
            throw new CommandFault($"--batch-size {Training.BatchSize} is more than the {images} training images. Take a smaller batch.");
        }

        if ((long)Training.Epochs * (images / Training.BatchSize) > MostSteps)
        {
            throw new CommandFault($"--epochs {Training.Epochs} make more than {MostSteps} steps. Take fewer epochs or a larger batch.");
        }

        return new LocalMixer(Objective.Adapt(Model.Options(data.Images.Training.Height, data.Images.Training.Channels, data.Images.Training.Classes)));
    }

    /// <summary>The run as it was resolved.</summary>
    internal RunConfiguration Configure(TrainingData data, long parameters) => new()
    {
        Version = Cli.Version,
        Rule = Rule.Rule,
        Perturbation = Rule.Perturbation,
        Passes = Rule.Passes,
        Recompute = Rule.Recompute,
        LossScope = LossScope,
        Projection = Objective.Projection,
        Similarity = Objective.Similarity,
        Overlap = Objective.Overlap,
        Layerwise = Rule.Layerwise,
        Temperature = Objective.IsContrastive ? Objective.Temperature : null,
        ReadoutLearningRate = Objective.IsContrastive ? Objective.ReadoutLearningRate : null,
        ReadoutRateScale = Training.ReadoutRateScale,
        Optimizer = Training.Optimizer,
        Augmentation = Augmentation,
        AreaMin = Training.Augmentation.Crop == CropKind.Area ? Training.Augmentation.SmallestArea : null,
        Model = Model.Preset,
        Mixer = Model.Mixer,
        KernelSide = Model.KernelSide,
        Scaling = Model.Scaling,
        Parameters = parameters,
        Dataset = data.Dataset,
        DatasetSource = data.Images.Source,
        Data = data.Directory,
        ImageSize = data.Dataset == Datasets.Folder ? data.Images.Training.Height : null,
        Images = ImageDescription.Of(data.Images),
        TrainingImages = data.Images.Training.Count,
        Validation = data.Validation,
        Epochs = Training.Epochs,
        BatchSize = Training.BatchSize,
        LearningRate = Training.LearningRate,
        Momentum = Training.Momentum,
        WeightDecay = Training.WeightDecay,
        Schedule = Training.Schedule,
        WarmupEpochs = Training.WarmupEpochs,
        Seed = Training.Seed,
        Threads = Rule.Threads,
        Environment = RunEnvironment.Current,
    };
}
