using Onward.Communication;
using Onward.Losses;
using Onward.Models;
using Onward.Threads;
using static System.FormattableString;

namespace Onward.Engine;

/// <summary>
/// A learning rule: computes a gradient of each parameter, or an estimate of it, from a model, a batch and the number of the step.
/// Rules differ in how they compute the gradient of each layer's output; everything else is shared.
/// </summary>
/// <remarks>To write a rule of your own, override <see cref="Differentiate"/>. No other member has to be overridden.</remarks>
public abstract class LearningRule
{
    private readonly StepPlan _plan;
    private readonly TileEngine _engine;

    /// <summary>Prepares steps on a model.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="locality">
    /// The reach of the losses, which decides if <see cref="Differentiate"/> receives one block or all blocks.
    /// </param>
    /// <param name="trainsHeads">True if the local heads learn from their own losses; the final head always does.</param>
    /// <param name="loss">Settings of the losses; null for the defaults.</param>
    /// <exception cref="ArgumentException">A setting of the loss is out of range.</exception>
    protected LearningRule(Network model, WorkerTeam team, Locality locality, bool trainsHeads, TrainingLoss? loss)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(team);
        Loss = loss ?? new TrainingLoss();
        Loss.Validate();
        _plan = new StepPlan(model, team, locality, trainsHeads, LeavesOutputGradients, Loss);
        _engine = new TileEngine(_plan, this);
    }

    /// <summary>The model that is trained.</summary>
    public Network Model => _plan.Model;

    /// <summary>Settings of the losses.</summary>
    public TrainingLoss Loss { get; }

    /// <summary>The reach of the losses.</summary>
    public Locality Locality => _plan.Locality;

    /// <summary>True if the local heads learn from their own losses; the final head always does.</summary>
    public bool TrainsHeads => _plan.TrainsHeads;

    /// <summary>
    /// The rule in words: everything that its gradients depend on, except the model, the batch and the number of the step. A run can only
    /// be resumed with a rule of the same description, so a rule of your own must name its settings (<see cref="Settings"/>).
    /// </summary>
    public string Description => string.Join(", ", [GetType().Name, .. Settings, .. LossSettings]);

    /// <summary>The gradients of the last step, by parameter; exact ones for heads.</summary>
    public ParameterVector Gradients => _engine.Gradients;

    /// <summary>
    /// Bytes of activations, tangents and output gradients that a step works in. They do not grow with the batch, except for losses that
    /// compare examples: these add a few numbers for each example of the batch.
    /// </summary>
    public long ActivationBytes => _engine.ActivationBytes + RuleBytes;

    /// <summary>
    /// Floating-point operations in the matrix products of one example's step, in the blocks' layers: values, tangents,
    /// gradients of inputs and of weights, as far as the rule computes them. Heads are not counted.
    /// </summary>
    public double MatrixFlopsPerExample => Model.Blocks.Sum(FlopsOf);

    /// <summary>
    /// Collects the time that each phase of a step takes, or null to collect nothing. The profile must have been created for as
    /// many threads as the rule's team has.
    /// </summary>
    public StepProfile? Profile
    {
        get => _engine.Profile;
        set => _engine.Profile = value;
    }

    /// <summary>The processes that share the work; by default one.</summary>
    internal RankGrid Grid => _plan.Grid;

    /// <summary>The first block of each stage and, last, the number of blocks. [stage + 1]</summary>
    internal IReadOnlyList<int> Stages => _plan.Stages;

    /// <summary>The blocks that this process trains.</summary>
    internal Range OwnBlocks => _plan.OwnBlocks;

    /// <summary>Examples that pass through the blocks together, which depends on the number of threads.</summary>
    internal int WaveExamples => _engine.WaveExamples;

    /// <summary>The settings of the rule that change its gradients, in words, including its seeds; by default none.</summary>
    protected virtual IEnumerable<string> Settings => [];

    /// <summary>Multiply-adds of one example's values in a block.</summary>
    protected static double ValueMultiplyAdds(NetworkBlock block) =>
        block.FlopsPerExample / 2.0;

    /// <summary>True if a loss compares the examples of a batch. Values are then computed twice: first for the comparison.</summary>
    internal bool ComparesExamples => _plan.ComparesExamples;

    internal WorkerTeam Team => _plan.Team;

    /// <summary>
    /// Floating-point operations in the matrix products of one example's step in one block, without a comparison of examples. The default
    /// counts values and weight gradients.
    /// </summary>
    protected virtual double RuleFlopsOf(NetworkBlock block) => 4.0 * ValueMultiplyAdds(block);

    /// <summary>True if weight gradients are products of inputs with the output gradients that the rule computes.</summary>
    internal virtual bool LeavesOutputGradients => true;

    /// <summary>
    /// True if each slice of the gradients is final as soon as the last wave has computed it: the rule changes no gradient when
    /// the step is complete, and no other process adds to it.
    /// </summary>
    internal bool AllowsUpdateInSlices => GradientsAreFinalInSlices && Grid.World.Count == 1;

    private protected virtual bool GradientsAreFinalInSlices => false;

    /// <summary>
    /// Counts the parts of the fit that the rule computes from a block's waves in the step under way; 0 if it fits nothing.
    /// </summary>
    internal virtual int FitsOf(int block) => 0;

    /// <summary>Computes a part of the fit from a complete wave. Threads share the parts.</summary>
    /// <param name="block">The block.</param>
    /// <param name="part">The part, from 0.</param>
    /// <param name="wave">The block's memory of the wave.</param>
    /// <param name="worker">The thread.</param>
    /// <param name="examples">Examples in the wave.</param>
    /// <param name="capacity">Examples that the wave can hold.</param>
    /// <param name="accumulate">True to add to the sums of earlier waves.</param>
    /// <param name="workspace">Workspace for a product.</param>
    internal virtual void TakeFit(
        int block, int part, WaveBlock wave, int worker, int examples, int capacity, bool accumulate, Span<float> workspace)
    {
    }

    /// <summary>Bytes of the rule's own memory.</summary>
    protected virtual long RuleBytes => 0;

    /// <summary>The tiles of each thread, one for each block. Blocks that share memory share one tile.</summary>
    protected IReadOnlyList<IReadOnlyList<BlockTile>> Tiles => _engine.Tiles;

    /// <summary>
    /// Shares all further steps among processes. Each process then takes its share of every batch through its blocks. The gradients of a
    /// block are summed over all processes that have the block, so they equal the gradients of a single process, except for the order of
    /// sums. The losses that a step returns are this process's part of the means.
    /// </summary>
    /// <param name="grid">The processes.</param>
    /// <exception cref="ArgumentException">
    /// There are more stages than blocks, or there are several stages and blocks do not each learn from their own loss alone.
    /// </exception>
    public void Distribute(RankGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        if (grid.Stages > Model.Blocks.Count)
        {
            throw new ArgumentException(
                $"The {Model.Blocks.Count} block{(Model.Blocks.Count == 1 ? "" : "s")} of the model cannot be dealt out to "
                + $"{grid.Stages} processes. Take fewer.",
                nameof(grid));
        }

        if (grid.Stages > 1 && Locality != Locality.Block)
        {
            throw new ArgumentException(
                "Only where each block learns from its own loss alone can processes have blocks of their own: "
                + "with other rules, errors or tangents pass between blocks.",
                nameof(grid));
        }

        _plan.Distribute(grid, [.. Model.Blocks.Select(FlopsOf)]);
        _engine.Distribute();
    }

    /// <summary>Computes the loss and the gradients of one batch.</summary>
    /// <param name="pixels">Standardised images [example, row, column, channel].</param>
    /// <param name="labels">
    /// The class of each example. In a self-supervised network, the first half of the batch are first views, the second half are second
    /// views of the same images in the same order, and labels are ignored.
    /// </param>
    /// <param name="step">The number of the step, on which its noise depends.</param>
    /// <returns>The losses of the step; overwritten by the next step.</returns>
    /// <exception cref="ArgumentException">The batch is empty, or images and labels do not match.</exception>
    public StepResult Step(ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step) =>
        Step(pixels, labels, step, labels.Length / Views);

    /// <summary>Computes the loss and the gradients of one batch that processes share.</summary>
    /// <param name="pixels">The images of this process's share of the batch; empty in stages after the first.</param>
    /// <param name="labels">The labels of these images; empty in stages after the first.</param>
    /// <param name="step">The step's number.</param>
    /// <param name="images">Images in the whole batch.</param>
    /// <exception cref="ArgumentException">The share is empty, or images and labels do not match.</exception>
    public StepResult Step(ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step, int images) =>
        Step(pixels, labels, step, images, update: null);

    /// <summary>Computes the loss and the gradients of one batch, and updates each slice of the parameters meanwhile.</summary>
    /// <param name="pixels">The images of this process's share of the batch.</param>
    /// <param name="labels">Their labels.</param>
    /// <param name="step">The step's number.</param>
    /// <param name="images">Images in the whole batch.</param>
    /// <param name="update">
    /// Called once for every number of every parameter, when its gradient is final and the step reads its value no more. Only
    /// for rules with <see cref="AllowsUpdateInSlices"/>; null to update nothing.
    /// </param>
    internal StepResult Step(
        ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step, int images, SliceUpdater? update)
    {
        BeginStep(step, Grid.Stage == 0 ? labels.Length : Views * Grid.Share.Of(images).Images);
        StepResult result = _engine.Step(pixels, labels, step, images, update);
        CompleteStep();
        return result;
    }

    /// <summary>True if this process trains a block.</summary>
    private protected bool Owns(int block) => block >= OwnBlocks.Start.Value && block < OwnBlocks.End.Value;

    internal int Views => _plan.Views;

    // The loss of classifiers has no settings.
    private string[] LossSettings => ComparesExamples ? [Invariant($"temperature {Loss.Temperature}")] : [];

    private double FlopsOf(NetworkBlock block) => RuleFlopsOf(block) + (ComparesExamples ? 2.0 * ValueMultiplyAdds(block) : 0);

    /// <summary>Prepares a step, before the first tile.</summary>
    /// <param name="number">The step's number.</param>
    /// <param name="batch">Examples in the batch.</param>
    protected virtual void BeginStep(uint number, int batch)
    {
    }

    /// <summary>
    /// Computes the output gradient of each layer (<see cref="BlockTile.Gradient"/>): in one block if the rule is local to a block, else
    /// in all blocks. Called on the thread that works on the tile, so a rule needs memory of its own for each
    /// <see cref="BlockTile.Worker"/>.
    /// </summary>
    /// <param name="tiles">The tile in its block, or in all blocks in order.</param>
    protected internal abstract void Differentiate(ReadOnlySpan<BlockTile> tiles);

    /// <summary>Completes a step, after the last tile.</summary>
    protected virtual void CompleteStep()
    {
    }
}
