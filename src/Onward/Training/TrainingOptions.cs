using System.Text.Json.Serialization;
using Onward.Data.Augmentation;
using Onward.Models;
using Onward.Optimizers;

namespace Onward.Training;

/// <summary>The available optimisers.</summary>
public enum OptimizerKind
{
    /// <summary><see cref="Optimizers.Sgd"/>.</summary>
    Sgd,

    /// <summary><see cref="Optimizers.Lars"/>.</summary>
    Lars,

    /// <summary><see cref="Optimizers.AdamW"/>.</summary>
    [JsonStringEnumMemberName("adamw")]
    AdamW,

    /// <summary><see cref="Optimizers.Muon"/>.</summary>
    Muon,
}

/// <summary>Options of training.</summary>
public sealed record TrainingOptions
{
    /// <summary>The default of <see cref="ReadoutLearningRate"/>, taken from the paper's code.</summary>
    public const double DefaultReadoutLearningRate = 0.01;

    /// <summary>Number of passes over the training set, at least 1.</summary>
    public required int Epochs { get; init; }

    /// <summary>
    /// Number of images in a step, at least 1. In a contrastive run each of them is used in two views. An incomplete last batch
    /// of an epoch is left out. Default 128.
    /// </summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>The learning rate that the warm-up reaches, above 0.</summary>
    public required double LearningRate { get; init; }

    /// <summary>
    /// True if <see cref="LearningRate"/> applies to 256 images per step and is scaled linearly with the batch size (paper's code).
    /// Default false.
    /// </summary>
    public bool ScalesRateWithBatch { get; init; }

    /// <summary>The optimiser. Default SGD.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Sgd;

    /// <summary>Momentum, 0 to below 1; beta 1 of AdamW. Default 0.9.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>
    /// Fraction of the mean squared gradient that AdamW keeps, also as a part of Muon, 0 to below 1. Default 0.999. Other optimisers do not
    /// read it.
    /// </summary>
    public double Beta2 { get; init; } = AdamW.DefaultBeta2;

    /// <summary>
    /// Largest Euclidean norm of all gradients of a step, above 0. Larger gradients are scaled down to it (Pascanu et al. 2013). Default
    /// null: no limit.
    /// </summary>
    public double? ClipNorm { get; init; }

    /// <summary>Weight decay on matrices, 0 or more. Default 0.0001.</summary>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>Shape of the learning-rate schedule after the warm-up. Default cosine.</summary>
    public ScheduleShape Schedule { get; init; } = ScheduleShape.Cosine;

    /// <summary>Length of the warm-up, in which the learning rate rises from 0, in epochs: 0 to <see cref="Epochs"/>. Default 1.</summary>
    public double WarmupEpochs { get; init; } = 1;

    /// <summary>
    /// Constant learning rate of the readout of a self-supervised network, above 0. The readout is trained for one epoch after
    /// each epoch of the network.
    /// </summary>
    public double ReadoutLearningRate { get; init; } = DefaultReadoutLearningRate;

    /// <summary>
    /// Factor on the learning rate of the readout of a supervised network, above 0. It scales the weight decay too. Default 1.
    /// The paper's code uses 0.1 (<c>last_layer_lr</c>).
    /// </summary>
    public double ReadoutRateScale { get; init; } = 1;

    /// <summary>Augmentation of training images; in a contrastive run, of the first view. Default none.</summary>
    public ViewRecipe Augmentation { get; init; } = ViewRecipe.None;

    /// <summary>Augmentation of the second view in a contrastive run. Default null: as for the first view.</summary>
    public ViewRecipe? SecondView { get; init; }

    /// <summary>
    /// Largest number of steps in an epoch, at least 1; the other images of the epoch are not used. Default null: no limit.
    /// </summary>
    public int? MaximumSteps { get; init; }

    /// <summary>
    /// Largest number of batches in an evaluation, at least 1. The images are drawn from the test set and the training set by
    /// the seed. Default null: all images are evaluated.
    /// </summary>
    public int? MaximumTestBatches { get; init; }

    /// <summary>
    /// Number of epochs without a new lowest test error after which training stops early, at least 1. Default null: never.
    /// </summary>
    public int? Patience { get; init; }

    /// <summary>
    /// Decay of an exponential moving average of the parameters, 0 to below 1. Evaluation uses the average, and the model holds
    /// it when training ends. Default 0: no average.
    /// </summary>
    public double AverageDecay { get; init; }

    /// <summary>
    /// Number of steps per epoch, evenly spaced, whose gradients are compared with exact ones; 0 or more. It does not affect
    /// training. Default 0.
    /// </summary>
    public int ComparedSteps { get; init; }

    /// <summary>
    /// Time between checkpoints within an epoch, 0 or more; 0 for one after each step. It does not affect results. Default ten
    /// minutes.
    /// </summary>
    [JsonIgnore]
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The learning rate that the warm-up reaches, after scaling with the batch size.</summary>
    public double PeakRate => ScalesRateWithBatch ? LearningRate * BatchSize / 256 : LearningRate;

    /// <summary>Seed of all random draws of the run: initial weights, order of examples, views and noise.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The recipe of each view of an image: one, or two if the model is self-supervised.</summary>
    internal ViewRecipe[] Views(Network model) =>
        model.IsSelfSupervised ? [Augmentation, SecondView ?? Augmentation] : [Augmentation];

    /// <summary>Creates the optimiser.</summary>
    internal Optimizers.Optimizer CreateOptimizer() => Optimizer switch
    {
        OptimizerKind.Lars => new Lars(Momentum, WeightDecay),
        OptimizerKind.AdamW => new AdamW(Momentum, Beta2, WeightDecay),
        OptimizerKind.Muon => new Muon(Momentum, new AdamW(AdamW.DefaultBeta1, Beta2, WeightDecay)),
        _ => new Sgd(Momentum, WeightDecay),
    };

    /// <summary>Checks that every option is in its range.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message lists all faults.</exception>
    public void Validate()
    {
        List<string> faults = [];
        Require(Epochs >= 1, $"epochs must be at least 1; got {Epochs}");
        Require(BatchSize >= 1, $"the batch size must be at least 1; got {BatchSize}");
        Require(double.IsFinite(LearningRate) && LearningRate > 0, $"the learning rate must be above 0; got {LearningRate}");
        Require(
            double.IsFinite(ReadoutLearningRate) && ReadoutLearningRate > 0,
            $"the readout's learning rate must be above 0; got {ReadoutLearningRate}");
        Require(
            double.IsFinite(ReadoutRateScale) && ReadoutRateScale > 0,
            $"the scale of the readout's rate must be above 0; got {ReadoutRateScale}");
        Require(Momentum is >= 0 and < 1, $"momentum must be at least 0 and below 1; got {Momentum}");
        Require(Beta2 is >= 0 and < 1, $"beta 2 must be at least 0 and below 1; got {Beta2}");
        Require(
            ClipNorm is null || (double.IsFinite(ClipNorm.Value) && ClipNorm > 0),
            $"the largest norm of the gradients must be above 0; got {ClipNorm}");
        Require(double.IsFinite(WeightDecay) && WeightDecay >= 0, $"weight decay must be 0 or more; got {WeightDecay}");
        Require(
            WarmupEpochs >= 0 && WarmupEpochs <= Epochs,
            $"warm-up epochs must be between 0 and the {Epochs} epochs of the run; got {WarmupEpochs}");
        Require(MaximumSteps is null or >= 1, $"the most steps of an epoch must be at least 1; got {MaximumSteps}");
        Require(MaximumTestBatches is null or >= 1, $"the most batches of an evaluation must be at least 1; got {MaximumTestBatches}");
        Require(Patience is null or >= 1, $"patience must be at least 1 epoch; got {Patience}");
        Require(AverageDecay is >= 0 and < 1, $"the decay of the average must be at least 0 and below 1; got {AverageDecay}");
        Require(ComparedSteps >= 0, $"the steps to compare must be 0 or more; got {ComparedSteps}");
        Require(CheckpointInterval >= TimeSpan.Zero, $"the time between checkpoints must be 0 or more; got {CheckpointInterval}");
        faults.AddRange(Augmentation.Faults());
        faults.AddRange(SecondView?.Faults() ?? []);
        if (faults.Count > 0)
        {
            throw new ArgumentException($"Training: {string.Join("; ", faults)}.");
        }

        void Require(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add(fault);
            }
        }
    }
}
