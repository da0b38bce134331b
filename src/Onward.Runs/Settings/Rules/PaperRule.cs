using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Rules;

namespace Onward.Runs;

/// <summary>The losses that train the blocks of a network.</summary>
internal enum RuleLosses
{
    /// <summary>The loss of the readout trains all blocks.</summary>
    Readout,

    /// <summary>Each block has a loss of its own, whose errors go back to the blocks before it.</summary>
    Local,

    /// <summary>Each block has a loss of its own, which trains that block alone.</summary>
    LocalWithinBlock,
}

/// <summary>The source of a rule's gradients.</summary>
internal enum GradientSource
{
    /// <summary>Errors are sent back through the weights.</summary>
    Backpropagation,

    /// <summary>Errors are sent back through fixed random matrices in place of the weights.</summary>
    RandomFeedback,

    /// <summary>The error of the readout is sent to each block directly, through a fixed random matrix.</summary>
    DirectFeedback,

    /// <summary>Derivatives along random directions of the weights estimate the gradient.</summary>
    PerturbedWeights,

    /// <summary>Derivatives along random directions of the activities estimate the gradient.</summary>
    PerturbedActivities,
}

/// <summary>A learning rule of the paper (section 6, Table 3), as a point on two axes.</summary>
/// <param name="Name">The paper's name.</param>
/// <param name="Losses">The losses that train the blocks.</param>
/// <param name="Source">The source of the gradients.</param>
/// <param name="Create">Creates the rule.</param>
internal sealed record PaperRule(string Name, RuleLosses Losses, GradientSource Source, Func<RuleArguments, LearningRule> Create)
{
    /// <summary>True if the rule reads local losses.</summary>
    internal bool HasLocalLosses => Losses != RuleLosses.Readout;

    /// <summary>True if each local loss trains its own block alone.</summary>
    internal bool KeepsLossesInBlocks => Losses == RuleLosses.LocalWithinBlock;

    /// <summary>True if the rule draws directions, and so has a perturbation and passes to choose.</summary>
    internal bool HasPerturbation => Source is GradientSource.PerturbedWeights or GradientSource.PerturbedActivities;

    /// <summary>True if the rule draws directions for activities.</summary>
    internal bool PerturbsActivities => Source == GradientSource.PerturbedActivities;

    /// <summary>True if the rule trains the local heads, even where their losses do not train the blocks.</summary>
    internal bool TrainsHeads => HasLocalLosses || HasPerturbation;

    /// <summary>True if the rule sends errors back from block to block, and so must keep or recompute the values on the way.</summary>
    internal bool SendsErrorsBetweenBlocks =>
        Source is GradientSource.Backpropagation or GradientSource.RandomFeedback && !KeepsLossesInBlocks;
}

/// <summary>Arguments for creating a learning rule. Each rule reads only the ones it needs.</summary>
internal sealed record RuleArguments
{
    internal required NoiseDistribution Distribution { get; init; }

    internal required LossScope Scope { get; init; }

    internal required int Passes { get; init; }

    internal bool Layerwise { get; init; }

    internal NoiseSites Sites { get; init; } = NoiseSites.All;

    internal ControlVariate ControlVariate { get; init; } = ControlVariate.None;

    internal WeightCredit WeightCredit { get; init; } = WeightCredit.Paper;

    internal bool Recompute { get; init; }

    internal bool Overlap { get; init; }

    internal required ulong Seed { get; init; }

    internal required TrainingLoss Loss { get; init; }

    /// <summary>The reach of local losses that train their own block.</summary>
    internal BackwardScope OwnLosses => Overlap ? BackwardScope.LocalLossesOverlapping : BackwardScope.LocalLossesWithinBlock;
}
