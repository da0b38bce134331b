using Onward.Communication;
using Onward.Losses;
using Onward.Models;
using Onward.Threads;

namespace Onward.Engine;

/// <summary>
/// Says how steps of a rule run: on which model and threads, how blocks depend on one another, and which blocks this process trains.
/// </summary>
internal sealed class StepPlan
{
    /// <summary>Plans steps of one process.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="locality">How far the rule's losses reach.</param>
    /// <param name="trainsHeads">Whether the local heads learn from their own losses.</param>
    /// <param name="leavesOutputGradients">
    /// Whether weight gradients are products of inputs with the output gradients that the rule leaves.
    /// </param>
    /// <param name="loss">The losses.</param>
    internal StepPlan(LocalMixer model, WorkerTeam team, Locality locality, bool trainsHeads, bool leavesOutputGradients, TrainingLoss loss)
    {
        (
            Model,
            Team,
            Locality,
            TrainsHeads,
            LeavesOutputGradients,
            Loss) = (model, team, locality, trainsHeads, leavesOutputGradients, loss);
        Stages = [0, model.Blocks.Count];
    }

    internal LocalMixer Model { get; }

    internal WorkerTeam Team { get; }

    internal Locality Locality { get; }

    internal bool TrainsHeads { get; }

    internal bool LeavesOutputGradients { get; }

    internal TrainingLoss Loss { get; }

    /// <summary>The processes that share the steps.</summary>
    internal RankGrid Grid { get; private set; } = RankGrid.OneProcess;

    /// <summary>The first block of each stage and, last, the number of blocks. [stage + 1]</summary>
    internal IReadOnlyList<int> Stages { get; private set; }

    /// <summary>The blocks that this process trains.</summary>
    internal Range OwnBlocks => Stages[Grid.Stage]..Stages[Grid.Stage + 1];

    /// <summary>Whether a loss compares the examples of a batch, for which values are computed once more, before all else.</summary>
    internal bool ComparesExamples => Model.Options.IsSelfSupervised;

    /// <summary>Examples that one image makes: 2 views where a loss compares examples.</summary>
    internal int Views => Model.Options.IsSelfSupervised ? 2 : 1;

    /// <summary>Adds up the time of the steps to come; null to measure nothing.</summary>
    internal StepProfile? Profile { get; set; }

    /// <summary>Shares the steps among processes.</summary>
    /// <param name="grid">The processes.</param>
    /// <param name="costs">Floating-point operations of each block.</param>
    internal void Distribute(RankGrid grid, double[] costs) => (Grid, Stages) = (grid, RankGrid.Balance(costs, grid.Stages));
}
