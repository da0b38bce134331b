using System.Text.Json;
using Onward.Data;
using Onward.Data.Augmentation;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

/// <summary>A run of three epochs with four steps each on digits, from the start or from a checkpoint.</summary>
internal sealed class TrainedRun
{
    public const int Epochs = 3;
    public const int Steps = 4;

    public const double AverageDecay = 0.3;

    private const int Batch = 8;

    public TrainedRun(
        string kind,
        Checkpoint? from = null,
        Action<Checkpoint>? keep = null,
        int threads = 2,
        int stopAfterSteps = int.MaxValue,
        ImageDataset? data = null,
        Func<TrainingOptions, TrainingOptions>? change = null,
        Func<LearningRule>? rule = null)
    {
        // Averaged weights, compared gradients.
        bool watched = kind.EndsWith("watched", StringComparison.Ordinal);
        bool contrastive = kind.StartsWith("contrastive", StringComparison.Ordinal);
        TrainingOptions options = new()
        {
            Epochs = Epochs,
            BatchSize = Batch,
            LearningRate = 0.05,
            Optimizer = Enum.TryParse(kind.Split(' ')[1], ignoreCase: true, out OptimizerKind optimizer) ? optimizer : OptimizerKind.Sgd,
            ClipNorm = kind.EndsWith("clipped", StringComparison.Ordinal) ? 0.1 : null,
            Augmentation = contrastive ? ViewRecipe.ContrastiveFirst : ViewRecipe.PaddedCrop,
            SecondView = contrastive ? ViewRecipe.ContrastiveSecond : null,
            CheckpointInterval = TimeSpan.Zero,
            AverageDecay = watched ? AverageDecay : 0,
            ComparedSteps = watched ? 3 : 0,
            Seed = 7,
        };
        Model = LocalMixer.Build(SmallNetwork with { Projection = contrastive ? 6 : 0 });
        Model.Initialize(7);
        using WorkerTeam team = new(threads);
        TrainingStep exact = new(Model, Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock), team);
        LearningRule learning = rule?.Invoke() ?? (kind.EndsWith("feedback", StringComparison.Ordinal) ? FeedbackRule() : Rule());
        TrainingStep training = new(Model, learning, team);
        Trainer trainer = new(training, data ?? Digits(), change?.Invoke(options) ?? options, TimeProvider.System, exact);
        if (from is not null)
        {
            trainer.Resume(from);
            Metrics.AddRange(from.Epochs);
        }

        using CancellationTokenSource stop = new();
        int kept = 0;
        try
        {
            Result = trainer.Run(null, Metrics.Add, checkpoint => Keep(checkpoint), stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }

        void Keep(Checkpoint checkpoint)
        {
            keep?.Invoke(checkpoint);
            if (kept++ == stopAfterSteps)
            {
                stop.Cancel();
            }
        }
    }

    public Network Model { get; }

    public List<EpochMetrics> Metrics { get; } = [];

    /// <summary>The result of the run; null if it was stopped.</summary>
    public TrainingResult? Result { get; }

    /// <summary>A small network for the procedural digits.</summary>
    public static LocalMixerOptions SmallNetwork { get; } = new()
    {
        Blocks = 2,
        PatchesPerSide = 2,
        Channels = 32,
        Groups = 4,
        ImageSide = 28,
        ImageChannels = 1,
        Classes = 10,
    };

    /// <summary>The rule of the run, with optional changes.</summary>
    public static ForwardGradient Rule(
        int passes = 1, NoiseDistribution? noise = null, ulong seed = 7, TrainingLoss? loss = null, bool layerwise = false) =>
        new(noise ?? NoiseDistribution.Gaussian, LossScope.All, passes, seed, loss, layerwise);

    /// <summary>The rule of a run with learned feedback.</summary>
    public static ForwardGradient FeedbackRule(bool layerwise = true) => new(
        NoiseDistribution.Gaussian, LossScope.All, 1, seed: 7, layerwise: layerwise, sites: NoiseSites.Hidden,
        controlVariate: ControlVariate.LearnedFeedback);

    public static ImageDataset Digits(ulong seed = 5) =>
        new(
            "digits",
            ProceduralDigits.GenerateImages(seed, 0, (Steps * Batch) + 3),
            ProceduralDigits.GenerateImages(seed, 1000, 20),
            [0.2f],
            [0.3f],
            "drawn");

    /// <summary>Requires that two runs are equal in everything except times.</summary>
    public void RequireSame(TrainedRun other)
    {
        Tolerance.Same(Model.Values.All, other.Model.Values.All, "parameters");
        Assert.Equal(Timeless(Metrics), Timeless(other.Metrics));
        Assert.Equal((Result!.TrainError, Result.TestError), (other.Result!.TrainError, other.Result.TestError));
        Assert.Equal(Result.BlockTestErrors, other.Result.BlockTestErrors);
    }

    private static string Timeless(IEnumerable<EpochMetrics> epochs) =>
        JsonSerializer.Serialize(epochs.Select(epoch => epoch with { ImagesPerSecond = 0, Elapsed = TimeSpan.Zero }));
}
