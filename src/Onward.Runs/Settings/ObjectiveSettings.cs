using Onward.Losses;
using Onward.Models;
using Onward.Training;

namespace Onward.Runs;

/// <summary>The objective of a network: its losses, and the rates that follow from them.</summary>
/// <param name="Projection">Outputs of the heads where views are compared; 0 where heads classify.</param>
/// <param name="Overlap">True if a block learns from the next block's loss too.</param>
/// <param name="Temperature">Temperature of the contrastive loss; null for the default, and where heads classify.</param>
/// <param name="ReadoutLearningRate">Rate of a contrastive run's linear readout; null for the default, and where heads classify.</param>
/// <param name="ReadoutRateScale">Factor of the learning rate for the readout where heads classify.</param>
internal sealed record ObjectiveSettings(
    int Projection, bool Overlap, double? Temperature, double? ReadoutLearningRate, double ReadoutRateScale)
{
    /// <summary>The name of learning from labels.</summary>
    internal const string Supervised = "supervised";

    /// <summary>The name of learning from two views of each image.</summary>
    internal const string Contrastive = "contrastive";

    /// <summary>Temperature of the contrastive loss by default.</summary>
    internal static double DefaultTemperature => new TrainingLoss().Temperature;

    /// <summary>The objective when no option says otherwise: classes.</summary>
    internal static ObjectiveSettings Default { get; } = new(0, false, null, null, 1);

    /// <summary>True if views are compared.</summary>
    internal bool IsContrastive => Projection > 0;

    /// <summary>The settings of the losses.</summary>
    internal TrainingLoss Loss => new() { Temperature = Temperature ?? DefaultTemperature };

    /// <summary>
    /// The heads that the network needs. Heads that compare views read the block's output unchanged, as in the paper's code.
    /// </summary>
    internal LocalMixerOptions Adapt(LocalMixerOptions model) => IsContrastive
        ? model with { Projection = Projection, Normalizations = model.Normalizations & ~Normalizations.Inter }
        : model;

    /// <summary>Adds the objective's settings. Rates of contrastive runs are for 256 images in a step (spec 5).</summary>
    internal TrainingOptions Adapt(TrainingOptions training) => training with
    {
        ReadoutLearningRate = ReadoutLearningRate ?? TrainingOptions.DefaultReadoutLearningRate,
        ReadoutRateScale = ReadoutRateScale,
        ScalesRateWithBatch = IsContrastive,
    };
}
