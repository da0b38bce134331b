using Onward.Training;

namespace Onward.Runs;

/// <summary>Limits on the length of a run; null for no limit.</summary>
/// <param name="LimitBatches">Steps of an epoch.</param>
/// <param name="OverfitBatches">Batches whose images are learnt alone.</param>
/// <param name="EarlyStop">Epochs without a new lowest error.</param>
internal sealed record LimitSettings(int? LimitBatches, int? OverfitBatches, int? EarlyStop)
{
    internal static LimitSettings None { get; } = new(null, null, null);

    /// <summary>Batches of images of an evaluation; null for all images.</summary>
    internal int? LimitTestBatches { get; init; }

    /// <summary>Adds the limits.</summary>
    internal TrainingOptions Adapt(TrainingOptions training) =>
        training with { MaximumSteps = LimitBatches, MaximumTestBatches = LimitTestBatches, Patience = EarlyStop };
}
