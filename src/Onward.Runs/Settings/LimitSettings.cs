using Onward.Training;

namespace Onward.Runs;

/// <summary>How short a run is; null where it is as long as it would be.</summary>
/// <param name="LimitBatches">Steps of an epoch.</param>
/// <param name="OverfitBatches">Batches whose images are learnt alone.</param>
/// <param name="EarlyStop">Epochs without a new lowest error.</param>
internal sealed record LimitSettings(int? LimitBatches, int? OverfitBatches, int? EarlyStop)
{
    internal static LimitSettings None { get; } = new(null, null, null);

    /// <summary>Batches of images of an evaluation; null for all images.</summary>
    internal int? LimitTestBatches { get; init; }

    /// <summary>How a network is trained within these limits.</summary>
    internal TrainingOptions Adapt(TrainingOptions training) =>
        training with { MaximumSteps = LimitBatches, MaximumTestBatches = LimitTestBatches, Patience = EarlyStop };
}
