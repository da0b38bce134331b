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
    /// <summary>Plans steps of one process.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="locality">The reach of the rule's losses.</param>
    /// <param name="trainsHeads">True if the local heads learn from their own losses.</param>
    /// <param name="leavesOutputGradients">
    /// True if weight gradients are products of inputs with the output gradients that the rule computes.
    /// </param>
    /// <param name="loss">The losses.</param>
    internal StepPlan(Network model, WorkerTeam team, Locality locality, bool trainsHeads, bool leavesOutputGradients, TrainingLoss loss)
    {
        (Model, Team, Locality) = (model, team, locality);
        (TrainsHeads, LeavesOutputGradients, Loss) = (trainsHeads, leavesOutputGradients, loss);
        Stages = [0, model.Blocks.Count];
    }

    internal Network Model { get; }

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

    /// <summary>True if a loss compares the examples of a batch. Values are then computed twice: first for the comparison.</summary>
    internal bool ComparesExamples => Model.IsSelfSupervised;

    /// <summary>Examples for each image: 2 views if a loss compares examples, else 1.</summary>
    internal int Views => Model.IsSelfSupervised ? 2 : 1;

    /// <summary>Shares the steps among processes.</summary>
    /// <param name="grid">The processes.</param>
    /// <param name="costs">Floating-point operations of each block.</param>
    internal void Distribute(RankGrid grid, double[] costs) => (Grid, Stages) = (grid, RankGrid.Balance(costs, grid.Stages));
}
