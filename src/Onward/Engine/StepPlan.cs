using Onward.Communication;
using Onward.Losses;
using Onward.Models;
using Onward.Threads;

namespace Onward.Engine;

/// <summary>
/// The plan of a rule's steps: the model and the threads, the dependence between blocks, and the blocks that this process trains.
/// </summary>
internal sealed class StepPlan
{
    internal required Network Model { get; init; }

    internal required WorkerTeam Team { get; init; }

    /// <summary>The reach of the rule's losses.</summary>
    internal required Locality Locality { get; init; }

    /// <summary>True if the local heads learn from their own losses.</summary>
    internal required bool TrainsHeads { get; init; }

    /// <summary>True if weight gradients are products of inputs with the output gradients that the rule computes.</summary>
    internal required bool LeavesOutputGradients { get; init; }

    internal required TrainingLoss Loss { get; init; }

    /// <summary>The seed of what dropout drops.</summary>
    internal required ulong Seed { get; init; }

    /// <summary>The processes that share the steps.</summary>
    internal required RankGrid Grid { get; init; }

    /// <summary>The first block of each stage and, last, the number of blocks. [stage + 1]</summary>
    internal required IReadOnlyList<int> Stages { get; init; }

    /// <summary>True for each block that is frozen: no step changes its layers and its local head. [block]</summary>
    internal required IReadOnlyList<bool> Frozen { get; init; }

    /// <summary>The blocks that this process trains.</summary>
    internal Range OwnBlocks => Stages[Grid.Stage]..Stages[Grid.Stage + 1];

    /// <summary>True if a loss compares the examples of a batch. Values are then computed twice: first for the comparison.</summary>
    internal bool ComparesExamples => Model.IsSelfSupervised;

    /// <summary>Examples for each image: 2 views if a loss compares examples, else 1.</summary>
    internal int Views => Model.IsSelfSupervised ? 2 : 1;
}
