using System.Text.Json.Serialization;
using Onward.Data.Augmentation;
using Onward.Models;
using Onward.Optimizers;

namespace Onward.Training;

/// <summary>An optimiser by name.</summary>
public enum OptimizerKind
{
    /// <summary><see cref="Optimizers.Sgd"/>.</summary>
    Sgd,

    /// <summary><see cref="Optimizers.Lars"/>.</summary>
    Lars,
}

/// <summary>How a model is trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>What <see cref="ReadoutLearningRate"/> is where nothing else is said: that of the paper's code.</summary>
    public const double DefaultReadoutLearningRate = 0.01;

    /// <summary>Passes over the training set; at least 1.</summary>
    public required int Epochs { get; init; }

    /// <summary>
    /// Images in a step, seen once or, where views are compared, in two views; at least 1. What is left of an epoch below one batch is
    /// dropped.
    /// </summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>The full learning rate; above 0.</summary>
    public required double LearningRate { get; init; }

    /// <summary>
    /// Whether <see cref="LearningRate"/> is that of 256 images in a step and is scaled to the batch (spec 5); default false.
    /// </summary>
    public bool ScalesRateWithBatch { get; init; }

    /// <summary>How gradients become updates; default SGD.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Sgd;

    /// <summary>Momentum; 0 to below 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Weight decay on matrices; 0 or more.</summary>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>How the learning rate falls.</summary>
    public ScheduleShape Schedule { get; init; } = ScheduleShape.Cosine;

    /// <summary>Epochs, or parts of one, over which the learning rate rises from 0; 0 to <see cref="Epochs"/>.</summary>
    public double WarmupEpochs { get; init; } = 1;

    /// <summary>
    /// Constant rate at which the readout of a network without labels learns, one epoch after each of the network's; above 0.
    /// </summary>
    public double ReadoutLearningRate { get; init; } = DefaultReadoutLearningRate;

    /// <summary>
    /// What the learning rate is multiplied by for the readout of a network with labels, weight decay with it; above 0. The paper's
    /// code trains with 0.1 (<c>last_layer_lr</c>, spec 4.1).
    /// </summary>
    public double ReadoutRateScale { get; init; } = 1;

    /// <summary>How images are changed in training; where views are compared, how the first is made. Default not at all.</summary>
    public ViewRecipe Augmentation { get; init; } = ViewRecipe.None;

    /// <summary>How the second view is made where views are compared; default null, like the first.</summary>
    public ViewRecipe? SecondView { get; init; }

    /// <summary>Steps of an epoch at most, at least 1; what is left of its images is not seen. Default null, all.</summary>
    public int? MaximumSteps { get; init; }

    /// <summary>
    /// Batches of images that an evaluation takes at most, at least 1. They are drawn by the seed, from test and training images alike.
    /// Default null: all images.
    /// </summary>
    public int? MaximumTestBatches { get; init; }

    /// <summary>
    /// Epochs without a new lowest error on the test set after which the run ends, at least 1. Default null: it ends after all epochs.
    /// </summary>
    public int? Patience { get; init; }

    /// <summary>
    /// What each step keeps of an exponential moving average of the parameters, which is what is evaluated and, in the end, what the
    /// model holds; below 1. Default 0: no average.
    /// </summary>
    public double AverageDecay { get; init; }

    /// <summary>
    /// Steps of each epoch, spread evenly, whose gradients are compared with exact ones; 0 or more. Changes no weights. Default 0.
    /// </summary>
    public int ComparedSteps { get; init; }

    /// <summary>
    /// Time between checkpoints within an epoch; 0 or more, 0 for one after each step. Changes no result. Default ten minutes.
    /// </summary>
    [JsonIgnore]
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The rate that the schedule starts from.</summary>
    public double PeakRate => ScalesRateWithBatch ? LearningRate * BatchSize / 256 : LearningRate;

    /// <summary>Names every draw of the run: initial weights, order of examples, noise.</summary>
    public required ulong Seed { get; init; }

    /// <summary>How each view of an image is made for a model: one, or two where it compares them.</summary>
    internal ViewRecipe[] Views(LocalMixer model) =>
        model.Options.IsSelfSupervised ? [Augmentation, SecondView ?? Augmentation] : [Augmentation];

    /// <summary>The optimiser that the options name.</summary>
    internal Optimizers.Optimizer CreateOptimizer() =>
        Optimizer == OptimizerKind.Lars ? new Lars(Momentum, WeightDecay) : new Sgd(Momentum, WeightDecay);

    /// <summary>Checks every rule above.</summary>
    /// <exception cref="ArgumentException">Something is out of range; the message lists all of it.</exception>
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
