using Onward.Communication;
using Onward.Losses;
using Onward.Models;
using Onward.Threads;
using static System.FormattableString;

namespace Onward.Engine;

/// <summary>
/// A learning rule: from a model, a batch and a step's number to a gradient, or an estimate of one, for each parameter.
/// Rules differ in how the gradient of each layer's output comes about; all else is shared.
/// </summary>
/// <remarks>A rule of your own says so in <see cref="Differentiate"/>, which is all that it has to override.</remarks>
public abstract class LearningRule
{
    private readonly StepPlan _plan;
    private readonly TileEngine _engine;

    /// <summary>Prepares steps on a model.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="locality">How far the losses reach: whether <see cref="Differentiate"/> is given one block at a time, or all.</param>
    /// <param name="trainsHeads">Whether the local heads learn from their own losses; the final head always does.</param>
    /// <param name="loss">What the losses measure; null for the default.</param>
    /// <exception cref="ArgumentException">A setting of the loss is out of range.</exception>
    protected LearningRule(LocalMixer model, WorkerTeam team, Locality locality, bool trainsHeads, TrainingLoss? loss)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(team);
        Loss = loss ?? new TrainingLoss();
        Loss.Validate();
        _plan = new StepPlan(model, team, locality, trainsHeads, LeavesOutputGradients, Loss);
        _engine = new TileEngine(_plan, this);
    }

    /// <summary>The model that is trained.</summary>
    public LocalMixer Model => _plan.Model;

    /// <summary>What the losses measure.</summary>
    public TrainingLoss Loss { get; }

    /// <summary>How far the losses reach.</summary>
    public Locality Locality => _plan.Locality;

    /// <summary>Whether the local heads learn from their own losses; the final head always does.</summary>
    public bool TrainsHeads => _plan.TrainsHeads;

    /// <summary>
    /// The rule in words: all that its gradients depend on, beside the model, the batch and the number of the step. A run goes on only
    /// with a rule of the same description, so a rule of your own names its settings (<see cref="Settings"/>).
    /// </summary>
    public string Description => string.Join(", ", [GetType().Name, .. Settings, .. LossSettings]);

    /// <summary>The gradients of the last step, by parameter; exact ones for heads.</summary>
    public ParameterVector Gradients => _engine.Gradients;

    /// <summary>
    /// Bytes of activations, tangents and output gradients that a step works in, whatever the batch. Losses that compare
    /// examples add what they are compared by, a few numbers for each example of the batch.
    /// </summary>
    public long ActivationBytes => _engine.ActivationBytes + RuleBytes;

    /// <summary>
    /// Floating-point operations in the matrix products of one example's step, in the blocks' layers: values, tangents,
    /// gradients of inputs and of weights, as far as the rule computes them. Heads are not counted.
    /// </summary>
    public double MatrixFlopsPerExample => Model.Blocks.Sum(FlopsOf);

    /// <summary>Where steps add up what they spend their time on; null to leave it. The threads must be those of the rule's team.</summary>
    public StepProfile? Profile
    {
        get => _plan.Profile;
        set => _plan.Profile = value;
    }

    /// <summary>How processes share the work; by default there is one.</summary>
    internal RankGrid Grid => _plan.Grid;

    /// <summary>The first block of each stage and, last, the number of blocks. [stage + 1]</summary>
    internal IReadOnlyList<int> Stages => _plan.Stages;

    /// <summary>The blocks that this process trains.</summary>
    internal Range OwnBlocks => _plan.OwnBlocks;

    /// <summary>Examples that pass through the blocks together; it follows from the number of threads.</summary>
    internal int WaveExamples => _engine.WaveExamples;

    /// <summary>The settings of the rule that change its gradients, in words, with the seeds of its draws; by default none.</summary>
    protected virtual IEnumerable<string> Settings => [];

    /// <summary>Multiply-adds of one example's values in a block.</summary>
    protected static double ValueMultiplyAdds(MixerBlock block) =>
        (double)block.Patches * block.Layers.Sum(layer => layer.Map.MultiplyAddsPerRow);

    /// <summary>Whether a loss compares the examples of a batch, for which values are computed once more, before all else.</summary>
    internal bool ComparesExamples => _plan.ComparesExamples;

    internal WorkerTeam Team => _plan.Team;

    /// <summary>
    /// What <see cref="MatrixFlopsPerExample"/> is of one block without a comparison of examples; that of values and weight gradients
    /// alone unless a rule says otherwise.
    /// </summary>
    protected virtual double RuleFlopsOf(MixerBlock block) => 4.0 * ValueMultiplyAdds(block);

    /// <summary>Whether weight gradients are products of inputs with the output gradients that the rule leaves.</summary>
    internal virtual bool LeavesOutputGradients => true;

    /// <summary>
    /// Whether the gradients of layers and trained heads are final when the last wave's slices are: the rule does nothing to them when
    /// the step is complete, and no other process adds to them.
    /// </summary>
    internal bool LearnsInSlices => EndsWithSlices && Grid.World.Count == 1;

    private protected virtual bool EndsWithSlices => false;

    /// <summary>
    /// Counts the parts of the fit that the rule takes from a block's waves in the step under way; 0 where it fits nothing.
    /// </summary>
    internal virtual int FitsOf(int block) => 0;

    /// <summary>Takes a part of the fit from a complete wave. Parts are shared among threads.</summary>
    /// <param name="block">The block.</param>
    /// <param name="part">The part, from 0.</param>
    /// <param name="wave">The block's memory of the wave.</param>
    /// <param name="worker">The thread.</param>
    /// <param name="examples">Examples in the wave.</param>
    /// <param name="capacity">Examples that the wave can hold.</param>
    /// <param name="accumulate">Whether to add to the sums of earlier waves.</param>
    /// <param name="workspace">Room for a product.</param>
    internal virtual void TakeFit(
        int block, int part, WaveBlock wave, int worker, int examples, int capacity, bool accumulate, Span<float> workspace)
    {
    }

    /// <summary>Bytes of the rule's own memory.</summary>
    protected virtual long RuleBytes => 0;

    /// <summary>The tiles of each thread: one for each block, all the same one where blocks share memory.</summary>
    protected IReadOnlyList<IReadOnlyList<BlockTile>> Tiles => _engine.Tiles;

    /// <summary>
    /// Shares the steps to come out among processes. Each then takes its share of every batch through its blocks; gradients of
    /// those blocks are summed over the processes that have the same, so that they are what a single process would have, but for
    /// the order of sums. What a step measures are the parts of the means that this process has a hand in.
    /// </summary>
    /// <param name="grid">How.</param>
    /// <exception cref="ArgumentException">
    /// There are more stages than blocks, or blocks do not learn each from its own loss alone.
    /// </exception>
    public void Distribute(RankGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        if (grid.Stages > Model.Blocks.Count)
        {
            throw new ArgumentException(
                $"The {Model.Blocks.Count} block{(Model.Blocks.Count == 1 ? "" : "s")} of the model cannot be dealt out to {grid.Stages} processes. Take fewer.",
                nameof(grid));
        }

        if (grid.Stages > 1 && Locality != Locality.Block)
        {
            throw new ArgumentException(
                "Only where each block learns from its own loss alone can processes have blocks of their own: with other rules, errors or tangents pass between blocks.",
                nameof(grid));
        }

        _plan.Distribute(grid, [.. Model.Blocks.Select(FlopsOf)]);
        _engine.Distribute();
    }

    /// <summary>Computes the loss and the gradients of one batch.</summary>
    /// <param name="pixels">Standardised images [example, row, column, channel].</param>
    /// <param name="labels">
    /// The class of each example. Where heads project, the first half of the batch are first views, the second half are second
    /// views of the same images in the same order; their labels are not looked at.
    /// </param>
    /// <param name="step">The step's number, which names its noise.</param>
    /// <returns>What the step measured; overwritten by the next step.</returns>
    /// <exception cref="ArgumentException">The batch is empty, or images and labels do not match.</exception>
    public StepResult Step(ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step) =>
        Step(pixels, labels, step, labels.Length / Views);

    /// <summary>The same where processes share the work.</summary>
    /// <param name="pixels">The images of this process's share of the batch; empty in stages after the first.</param>
    /// <param name="labels">Their labels, likewise.</param>
    /// <param name="step">The step's number.</param>
    /// <param name="images">Images in the whole batch.</param>
    /// <exception cref="ArgumentException">The share is empty, or images and labels do not match.</exception>
    public StepResult Step(ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step, int images) =>
        Step(pixels, labels, step, images, null, isPacked: false);

    /// <summary>The same, telling of each slice of a gradient.</summary>
    /// <param name="pixels">The images.</param>
    /// <param name="labels">Their labels.</param>
    /// <param name="step">The step's number.</param>
    /// <param name="images">Images in the whole batch.</param>
    /// <param name="learns">
    /// Called where <see cref="LearnsInSlices"/>, on the thread that computed them, with so many numbers of a parameter from one on when
    /// their gradients are final and the step reads their values no more: they may be updated. Layers are packed anew behind it.
    /// </param>
    /// <param name="isPacked">
    /// Whether no parameter has changed since the last step packed its layers behind <paramref name="learns"/>.
    /// </param>
    internal StepResult Step(
        ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step, int images, SliceLearner? learns, bool isPacked)
    {
        BeginStep(step, Grid.Stage == 0 ? labels.Length : Views * Grid.Share.Of(images).Images);
        StepResult result = _engine.Step(pixels, labels, step, images, learns, isPacked);
        CompleteStep();
        return result;
    }

    /// <summary>Whether this process trains a block.</summary>
    private protected bool Owns(int block) => block >= OwnBlocks.Start.Value && block < OwnBlocks.End.Value;

    internal int Views => _plan.Views;

    // Classifiers have none.
    private string[] LossSettings => ComparesExamples ? [Invariant($"temperature {Loss.Temperature}")] : [];

    private double FlopsOf(MixerBlock block) => RuleFlopsOf(block) + (ComparesExamples ? 2.0 * ValueMultiplyAdds(block) : 0);

    /// <summary>What has to be ready before the first tile.</summary>
    /// <param name="number">The step's number.</param>
    /// <param name="batch">Examples in the batch.</param>
    protected virtual void BeginStep(uint number, int batch)
    {
    }

    /// <summary>
    /// Fills the output gradient of each layer (<see cref="BlockTile.Gradient"/>): of one block where the rule is local to a
    /// block, else of all. Called on the thread that works on the tile, so memory of the rule's own is one for each
    /// <see cref="BlockTile.Worker"/>.
    /// </summary>
    /// <param name="tiles">The tile in its block, or in all blocks in order.</param>
    protected internal abstract void Differentiate(ReadOnlySpan<BlockTile> tiles);

    /// <summary>What is left to do after the last tile.</summary>
    protected virtual void CompleteStep()
    {
    }
}
