using Onward.Communication;
using Onward.Models;
using Onward.Threads;
using static System.FormattableString;

namespace Onward.Engine;

/// <summary>
/// Computes the losses of a batch and a gradient of each parameter, or an estimate of it. Rules differ in how they compute the gradient of
/// each layer's output; the step does everything else, in memory that it allocates once.
/// </summary>
public sealed class TrainingStep
{
    private readonly StepPlan _plan;
    private readonly TileEngine _engine;

    /// <summary>Allocates the memory of the steps of a network by a rule.</summary>
    /// <remarks>
    /// Processes of a grid share every step: each takes its share of the batch through its blocks. The gradients of a block are summed over
    /// all processes that have the block, so they equal the gradients of a single process, except for the order of sums. The losses that a
    /// step returns are this process's part of the means.
    /// </remarks>
    /// <param name="network">The network to train.</param>
    /// <param name="rule">The learning rule, which then serves this step alone.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="grid">The processes that share the work; null for one process.</param>
    /// <param name="seed">The seed of what dropout drops, in networks that have it.</param>
    /// <param name="frozen">
    /// The blocks that training leaves as they are, with their local heads; null for none. The gradients of their parameters stay 0.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The rule cannot train the network, a frozen block does not exist or the rule does not allow one, there are more stages than blocks,
    /// or there are several stages and blocks do not each learn from their own loss alone.
    /// </exception>
    /// <exception cref="InvalidOperationException">The rule serves another step.</exception>
    public TrainingStep(
        Network network,
        LearningRule rule,
        WorkerTeam team,
        RankGrid? grid = null,
        ulong seed = 0,
        IReadOnlyCollection<int>? frozen = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentNullException.ThrowIfNull(team);
        grid ??= RankGrid.OneProcess;
        RequireStages(network, rule, grid);
        frozen ??= [];
        RequireFreezable(network, rule, frozen);
        double comparison = network.IsSelfSupervised ? 1 : 0;
        double[] costs = [.. network.Blocks.Select(CostOf)];
        MatrixFlopsPerExample = costs.Sum();
        _plan = new StepPlan
        {
            Model = network,
            Team = team,
            Locality = rule.Locality,
            TrainsHeads = rule.TrainsHeads,
            LeavesOutputGradients = rule.LeavesOutputGradients,
            Loss = rule.Loss,
            Seed = seed,
            Grid = grid,
            Stages = RankGrid.Balance(costs, grid.Stages),
            Frozen = [.. network.Blocks.Select(block => frozen.Contains(block.Index))],
        };
        FirstTrained = _plan.Frozen.TakeWhile(isFrozen => isFrozen).Count();
        _engine = new TileEngine(_plan, rule.Differentiate);
        Rule = rule;
        rule.Serve(this);
        _engine.Fit = rule.Fit;

        double CostOf(NetworkBlock block)
        {
            bool valuesOnly = frozen.Contains(block.Index) && rule.Locality == Locality.Block;
            double step = valuesOnly ? block.FlopsPerExample : rule.RuleFlopsOf(network, block);
            return step + (comparison * block.FlopsPerExample);
        }
    }

    /// <summary>The network that is trained.</summary>
    public Network Network => _plan.Model;

    /// <summary>The learning rule.</summary>
    public LearningRule Rule { get; }

    /// <summary>The threads that share the work.</summary>
    public WorkerTeam Team => _plan.Team;

    /// <summary>The processes that share the work.</summary>
    public RankGrid Grid => _plan.Grid;

    /// <summary>
    /// The rule and its loss in words: everything that gradients depend on, except the network, the batch and the number of the step. A run
    /// can only be resumed by steps of the same description. The loss of classifiers has no settings.
    /// </summary>
    public string Description =>
        Rule.Description + (ComparesExamples ? Invariant($", temperature {Rule.Loss.Temperature}") : "")
            + (Network.HasDropout ? Invariant($", dropout seed {_plan.Seed}") : "")
            + (FrozenBlocks.Count == 0 ? "" : $", frozen blocks {string.Join(" ", FrozenBlocks)}");

    /// <summary>The blocks that training leaves as they are, with their local heads, in order.</summary>
    public IReadOnlyList<int> FrozenBlocks => [.. _plan.Frozen.Index().Where(block => block.Item).Select(block => block.Index)];

    /// <summary>The first block that is not frozen; the number of blocks if all are. No error needs to go back beyond it.</summary>
    internal int FirstTrained { get; }

    /// <summary>The gradients of the last step, by parameter; exact ones for heads.</summary>
    public ParameterVector Gradients => _engine.Gradients;

    /// <summary>The tiles of each thread, one for each block. Blocks that share memory share one tile. [thread][block]</summary>
    public IReadOnlyList<IReadOnlyList<BlockTile>> Tiles => _engine.Tiles;

    /// <summary>
    /// Bytes of activations, tangents and output gradients that a step works in. They do not grow with the batch, except for losses that
    /// compare examples: these add a few numbers for each example of the batch.
    /// </summary>
    public long ActivationBytes => _engine.ActivationBytes + Rule.RuleBytes;

    /// <summary>
    /// Floating-point operations in the matrix products of one example's step, in the blocks' layers: values, tangents,
    /// gradients of inputs and of weights, as far as the rule computes them. Heads are not counted.
    /// </summary>
    public double MatrixFlopsPerExample { get; }

    /// <summary>
    /// Collects the time that each phase of a step takes, or null to collect nothing. The profile must have been created for as
    /// many threads as the team has.
    /// </summary>
    public StepProfile? Profile
    {
        get => _engine.Profile;
        set => _engine.Profile = value;
    }

    /// <summary>The first block of each stage and, last, the number of blocks. [stage + 1]</summary>
    internal IReadOnlyList<int> Stages => _plan.Stages;

    /// <summary>The blocks that this process trains.</summary>
    internal Range OwnBlocks => _plan.OwnBlocks;

    /// <summary>Examples that pass through the blocks together, which depends on the number of threads.</summary>
    internal int WaveExamples => _engine.WaveExamples;

    /// <summary>True if a loss compares the examples of a batch. Values are then computed twice: first for the comparison.</summary>
    internal bool ComparesExamples => _plan.ComparesExamples;

    /// <summary>Examples for each image: 2 views if a loss compares examples, else 1.</summary>
    internal int Views => _plan.Views;

    /// <summary>
    /// True if each slice of the gradients is final as soon as the last wave has computed it: the rule changes no gradient when
    /// the step is complete, and no other process adds to it.
    /// </summary>
    internal bool AllowsUpdateInSlices => Rule.GradientsAreFinalInSlices && Grid.World.Count == 1;

    /// <summary>Computes the loss and the gradients of one batch.</summary>
    /// <param name="pixels">Standardised images [example, row, column, channel].</param>
    /// <param name="labels">
    /// The class of each example. In a self-supervised network, the first half of the batch are first views, the second half are second
    /// views of the same images in the same order, and labels are ignored. If the network predicts tokens, an example has a label for each
    /// position (<see cref="Network.HeadRows"/>).
    /// </param>
    /// <param name="step">The number of the step, on which its noise depends.</param>
    /// <returns>The losses of the step; overwritten by the next step.</returns>
    /// <exception cref="ArgumentException">The batch is empty, or images and labels do not match.</exception>
    public StepResult Run(ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step) =>
        Run(pixels, labels, step, labels.Length / (Views * Network.HeadRows));

    /// <summary>Computes the loss and the gradients of one batch that processes share.</summary>
    /// <param name="pixels">The images of this process's share of the batch; empty in stages after the first.</param>
    /// <param name="labels">The labels of these images; empty in stages after the first.</param>
    /// <param name="step">The step's number.</param>
    /// <param name="images">Images in the whole batch.</param>
    /// <returns>The losses of the step; overwritten by the next step.</returns>
    /// <exception cref="ArgumentException">The share is empty, or images and labels do not match.</exception>
    public StepResult Run(ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step, int images) =>
        Run(pixels, labels, step, images, update: null);

    /// <summary>Computes the loss and the gradients of one batch, and updates each slice of the parameters meanwhile.</summary>
    /// <param name="pixels">The images of this process's share of the batch.</param>
    /// <param name="labels">Their labels.</param>
    /// <param name="step">The step's number.</param>
    /// <param name="images">Images in the whole batch.</param>
    /// <param name="update">
    /// Called once for every number of every parameter, when its gradient is final and the step reads its value no more. Only
    /// if <see cref="AllowsUpdateInSlices"/> is true; null to update nothing.
    /// </param>
    internal StepResult Run(
        ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step, int images, SliceUpdater? update)
    {
        Rule.BeginStep(step, Grid.Stage == 0 ? labels.Length / Network.HeadRows : Views * Grid.Share.Of(images).Images);
        StepResult result = _engine.Step(pixels, labels, step, images, update);
        Rule.CompleteStep();
        return result;
    }

    /// <summary>True if training leaves a block as it is.</summary>
    internal bool IsFrozen(int block) => _plan.Frozen[block];

    /// <summary>True if this process trains a block.</summary>
    internal bool Owns(int block) => block >= OwnBlocks.Start.Value && block < OwnBlocks.End.Value;

    private static void RequireFreezable(Network network, LearningRule rule, IReadOnlyCollection<int> frozen)
    {
        if (frozen.Any(block => block < 0 || block >= network.Blocks.Count))
        {
            throw new ArgumentException(
                $"The network has blocks 0 to {network.Blocks.Count - 1}; frozen are {string.Join(", ", frozen)}.", nameof(frozen));
        }

        if (frozen.Count > 0 && !rule.AllowsFrozenBlocks)
        {
            throw new ArgumentException(
                "No block can be frozen, because the noise of the rule, or its learned feedback, reaches every block.", nameof(frozen));
        }
    }

    private static void RequireStages(Network network, LearningRule rule, RankGrid grid)
    {
        if (grid.Stages > network.Blocks.Count)
        {
            throw new ArgumentException(
                $"The {network.Blocks.Count} block{(network.Blocks.Count == 1 ? "" : "s")} of the model cannot be dealt out to "
                + $"{grid.Stages} processes. Take fewer.",
                nameof(grid));
        }

        if (grid.Stages > 1 && rule.Locality != Locality.Block)
        {
            throw new ArgumentException(
                "Only where each block learns from its own loss alone can processes have blocks of their own: "
                + "with other rules, errors or tangents pass between blocks.",
                nameof(grid));
        }
    }
}
