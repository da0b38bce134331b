using Onward.Optimizers;

namespace Onward.Training;

/// <summary>How a model is trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>Passes over the training set; at least 1.</summary>
    public required int Epochs { get; init; }

    /// <summary>Examples in a step; at least 1. What is left of an epoch below one batch is dropped.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>The full learning rate; above 0.</summary>
    public required double LearningRate { get; init; }

    /// <summary>SGD momentum; 0 to below 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Weight decay on matrices; 0 or more.</summary>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>How the learning rate falls.</summary>
    public ScheduleShape Schedule { get; init; } = ScheduleShape.Cosine;

    /// <summary>Epochs, or parts of one, over which the learning rate rises from 0; 0 to <see cref="Epochs"/>.</summary>
    public double WarmupEpochs { get; init; } = 1;

    /// <summary>Names every draw of the run: initial weights, order of examples, noise.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Checks every rule above.</summary>
    /// <exception cref="ArgumentException">Something is out of range; the message lists all of it.</exception>
    public void Validate()
    {
        List<string> faults = [];
        Require(Epochs >= 1, $"epochs must be at least 1; got {Epochs}");
        Require(BatchSize >= 1, $"the batch size must be at least 1; got {BatchSize}");
        Require(double.IsFinite(LearningRate) && LearningRate > 0, $"the learning rate must be above 0; got {LearningRate}");
        Require(Momentum is >= 0 and < 1, $"momentum must be at least 0 and below 1; got {Momentum}");
        Require(double.IsFinite(WeightDecay) && WeightDecay >= 0, $"weight decay must be 0 or more; got {WeightDecay}");
        Require(WarmupEpochs >= 0 && WarmupEpochs <= Epochs, $"warm-up epochs must be between 0 and the {Epochs} epochs of the run; got {WarmupEpochs}");
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
