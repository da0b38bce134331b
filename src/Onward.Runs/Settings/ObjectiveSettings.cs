using Onward.Losses;
using Onward.Models;
using Onward.Training;

namespace Onward.Runs;

/// <summary>What a network learns.</summary>
/// <param name="Projection">Outputs of the heads where views are compared; 0 where heads classify.</param>
/// <param name="Overlap">Whether a block learns from the next block's loss too.</param>
/// <param name="Temperature">Temperature of the contrastive loss.</param>
/// <param name="ReadoutLearningRate">Rate of the linear readout.</param>
/// <param name="ReadoutRateScale">What the learning rate is multiplied by for the readout where heads classify.</param>
/// <param name="Optimizer">How gradients become updates.</param>
internal sealed record ObjectiveSettings(
    int Projection, bool Overlap, double Temperature, double ReadoutLearningRate, double ReadoutRateScale, OptimizerKind Optimizer)
{
    /// <summary>The name of learning from labels.</summary>
    internal const string Supervised = "supervised";

    /// <summary>The name of learning from two views of each image.</summary>
    internal const string Contrastive = "contrastive";

    /// <summary>What is learnt when no option says otherwise.</summary>
    internal static ObjectiveSettings Default { get; } = new(
        0, false, new TrainingLoss().Temperature, TrainingOptions.DefaultReadoutLearningRate, 1, OptimizerKind.Sgd);

    /// <summary>Whether views are compared.</summary>
    internal bool IsContrastive => Projection > 0;

    /// <summary>What the losses measure.</summary>
    internal TrainingLoss Loss => new() { Temperature = Temperature };

    /// <summary>
    /// The heads that the network needs. Those that compare views read the block's output as it is, as in the paper's code.
    /// </summary>
    internal LocalMixerOptions Adapt(LocalMixerOptions model) => IsContrastive
        ? model with { Projection = Projection, Normalizations = model.Normalizations & ~Normalizations.Inter }
        : model;

    /// <summary>How the network is trained for it: rates of contrastive runs are for 256 images in a step (spec 5).</summary>
    internal TrainingOptions Adapt(TrainingOptions training) =>
        training with { Optimizer = Optimizer, ReadoutLearningRate = ReadoutLearningRate, ReadoutRateScale = ReadoutRateScale, ScalesRateWithBatch = IsContrastive };
}
