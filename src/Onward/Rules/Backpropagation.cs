using Onward.Engine;
using Onward.Losses;
using Onward.Models;
using Onward.Threads;
using static System.FormattableString;

namespace Onward.Rules;

/// <summary>The losses of a rule that sends errors back, and the blocks that it sends them through.</summary>
public enum BackwardScope
{
    /// <summary>The loss of the final head, back through the whole network: BP, FA.</summary>
    Readout,

    /// <summary>All local losses, each back through its own and all earlier blocks: L-BP, L-FA.</summary>
    LocalLosses,

    /// <summary>All local losses, each back through its own block alone: LG-BP, LG-FA.</summary>
    LocalLossesWithinBlock,

    /// <summary>
    /// All local losses, each back through its own block and the block before. Overlapping blocks make local losses less greedy
    /// (Xiong et al. 2020). A step then keeps the values of all blocks: memory grows with depth, but not with the batch.
    /// The published code adds two runs, cut after even and after odd blocks, and so counts a block's own loss twice. Here each
    /// loss counts once.
    /// </summary>
    LocalLossesOverlapping,
}

/// <summary>
/// Rules that send the error back layer by layer: backpropagation through the transposed weights, or feedback
/// alignment (Lillicrap et al. 2016) through fixed random matrices of the same shape. Both differentiate normalisation and ReLU
/// exactly.
/// </summary>
/// <remarks>
/// The error starts at the forward logits, softmax(mW + b) - t. It leaves a head through the matrix of that head on the error
/// path. The paper's code instead evaluates the local losses of feedback alignment at the logits of the random head.
/// The loss of a patch or group has the same gradient as the loss of its block, so the scope names blocks only.
/// </remarks>
public sealed class Backpropagation : LearningRule
{
    private readonly BackwardScope _scope;
    private readonly ErrorPath _path;
    private readonly BackwardPass[] _passes;
    private readonly bool _followsWeights;
    private readonly string _matrices;

    private Backpropagation(
        Network model,
        WorkerTeam team,
        BackwardScope scope,
        bool recompute,
        ParameterVector? feedback,
        string matrices,
        TrainingLoss? loss)
        : base(
            model,
            team,
            scope == BackwardScope.LocalLossesWithinBlock ? Locality.Block : recompute ? Locality.NetworkRecomputed : Locality.Network,
            trainsHeads: scope != BackwardScope.Readout,
            loss)
    {
        if (scope == BackwardScope.LocalLossesOverlapping && recompute)
        {
            throw new ArgumentException(
                "Where blocks overlap, a block needs the values of the next one beside its own, so none are computed again.",
                nameof(recompute));
        }

        _scope = scope;
        _matrices = matrices;
        _path = new ErrorPath(model);
        _passes = [.. Tiles.Select(tiles => new BackwardPass(model, _path, tiles[0].Activations.Examples, Overlaps))];
        _followsWeights = feedback is null;
        if (feedback is not null)
        {
            _path.Load(feedback, team);
        }
    }

    /// <inheritdoc/>
    /// <remarks>If blocks overlap, the loss of a block passes back through that block a second time, to the block before.</remarks>
    protected override double RuleFlopsOf(NetworkBlock block) => 2.0 * block.Layers.Select((layer, l) =>
        layer.Positions * layer.Map.MultiplyAddsPerRow * ((l > 0 || (block.Index > 0 && Locality != Locality.Block) ? 3.0 : 2.0)
            + (Recomputes(block) || (Overlaps && l > 0 && IsBetween(block)) ? 1 : 0))).Sum();

    /// <inheritdoc/>
    /// <remarks>
    /// Recomputing values changes no result, so it is not named. Overlapping blocks keep the name that they had in version 0.1, so
    /// that its runs can be resumed.
    /// </remarks>
    protected override IEnumerable<string> Settings => Overlaps
        ? [$"of {BackwardScope.LocalLossesWithinBlock}", _matrices, "overlapping blocks"]
        : [$"of {_scope}", _matrices];

    private protected override bool GradientsAreFinalInSlices => true;

    /// <inheritdoc/>
    protected override long RuleBytes => _passes.Sum(pass => pass.Bytes);

    /// <summary>Creates a rule of backpropagation: BP, L-BP or LG-BP.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="scope">The losses, and the blocks that they go back through.</param>
    /// <param name="recompute">True to keep only the outputs of the blocks, and to compute all other values again on the way back.</param>
    /// <param name="loss">Settings of the losses; null for the defaults.</param>
    /// <exception cref="ArgumentException">
    /// Blocks overlap and values are to be recomputed, or a setting of the loss is out of range.
    /// </exception>
    public static Backpropagation ThroughWeights(
        Network model,
        WorkerTeam team,
        BackwardScope scope,
        bool recompute = false,
        TrainingLoss? loss = null) => new(model, team, scope, recompute, null, "through the weights", loss);

    /// <summary>
    /// Creates a rule of feedback alignment: FA, L-FA or LG-FA. The matrices are drawn once, at the scale of the initial weights.
    /// </summary>
    /// <param name="model">The model to train.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="scope">The losses, and the blocks that they go back through.</param>
    /// <param name="seed">The seed of the matrices.</param>
    /// <param name="recompute">True to keep only the outputs of the blocks, and to compute all other values again on the way back.</param>
    /// <param name="loss">Settings of the losses; null for the defaults.</param>
    /// <exception cref="ArgumentException">
    /// Blocks overlap and values are to be recomputed, or a setting of the loss is out of range.
    /// </exception>
    public static Backpropagation ThroughRandomFeedback(
        Network model, WorkerTeam team, BackwardScope scope, ulong seed, bool recompute = false, TrainingLoss? loss = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new(model, team, scope, recompute, model.DrawFeedback(seed), Invariant($"through random matrices of seed {seed}"), loss);
    }

    internal static Backpropagation ThroughFeedback(
        Network model,
        WorkerTeam team,
        BackwardScope scope,
        ParameterVector feedback,
        TrainingLoss? loss = null) => new(model, team, scope, false, feedback, "through given matrices", loss);

    private bool Overlaps => _scope == BackwardScope.LocalLossesOverlapping;

    private bool IsBetween(NetworkBlock block) => block.Index > 0 && block.Index < Model.Blocks.Count - 1;

    private bool Recomputes(NetworkBlock block) => Locality == Locality.NetworkRecomputed && block.Index < Model.Blocks.Count - 1;

    /// <inheritdoc/>
    protected override void BeginStep(uint number, int batch)
    {
        if (_followsWeights)
        {
            _path.Load(Model.Values, Team, OwnBlocks);
        }
    }

    /// <inheritdoc/>
    protected internal override void Differentiate(ReadOnlySpan<BlockTile> tiles)
    {
        BackwardPass pass = _passes[tiles[0].Worker];
        for (int k = tiles.Length - 1; k >= 0; k--)
        {
            BlockTile tile = tiles[k];
            if (Overlaps)
            {
                pass.GoThroughOverlapping(tile, first: k == 0, last: k == tiles.Length - 1);
                continue;
            }

            bool last = tile.Block.Index == Model.Blocks.Count - 1;
            if (_scope == BackwardScope.Readout)
            {
                if (last)
                {
                    pass.ReadFinalLoss(tile);
                }
            }
            else
            {
                if (last || Locality == Locality.Block)
                {
                    pass.Begin(tile);
                }

                pass.ReadLocalLoss(tile);
            }

            pass.GoThrough(tile, toInput: Locality != Locality.Block && tile.Block.Index > 0);
        }
    }
}
