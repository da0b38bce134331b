using Onward.Engine;
using Onward.Losses;
using Onward.Models;
using Onward.Threads;
using static System.FormattableString;

namespace Onward.Rules;

/// <summary>Which losses a rule that sends errors back reads, and how far it sends them.</summary>
public enum BackwardScope
{
    /// <summary>The loss of the final head, back through the whole network: BP, FA.</summary>
    Readout,

    /// <summary>All local losses, each back through its own and all earlier blocks: L-BP, L-FA.</summary>
    LocalLosses,

    /// <summary>All local losses, each back through its own block alone: LG-BP, LG-FA.</summary>
    LocalLossesWithinBlock,

    /// <summary>
    /// All local losses, each back through its own block and the one before it, which lessens the greed of local losses (Xiong et al. 2020;
    /// spec 4.2). The published code adds two runs, cut after even and after odd blocks, which counts a block's own loss twice; here each
    /// loss counts once. A step keeps the values of all blocks then: memory grows with depth, but not with the batch.
    /// </summary>
    LocalLossesOverlapping,
}

/// <summary>
/// Rules that send the error back layer by layer (spec 4.2, 4.3): backprop through the transposed weights, feedback
/// alignment (Lillicrap et al. 2016) through fixed random matrices of the same shape. Normalisation and ReLU are
/// differentiated exactly in both.
/// </summary>
/// <remarks>
/// The error starts at the forward logits, softmax(mW + b) - t, and leaves a head through its own matrix of the path. The
/// paper's code instead evaluates local losses of feedback alignment at the logits of the random head (spec P6).
/// A patch's or group's own loss has the same gradient as the block's, so the scope knows blocks only.
/// </remarks>
public sealed class Backpropagation : LearningRule
{
    private readonly BackwardScope _scope;
    private readonly ErrorPath _path;
    private readonly BackwardPass[] _passes;
    private readonly bool _followsWeights;
    private readonly string _matrices;

    private Backpropagation(
        LocalMixer model,
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
    /// <remarks>Where blocks overlap, a loss goes back through its block alone once more, to the block before.</remarks>
    protected override double RuleFlopsOf(MixerBlock block) => 2.0 * block.Patches * block.Layers.Select((layer, l) =>
        layer.Map.MultiplyAddsPerRow * ((l > 0 || (block.Index > 0 && Locality != Locality.Block) ? 3.0 : 2.0)
            + (Recomputes(block) || (Overlaps && l > 0 && IsBetween(block)) ? 1 : 0))).Sum();

    /// <inheritdoc/>
    /// <remarks>To compute values again changes no result. Overlapping blocks are named as in version 0.1, whose runs go on.</remarks>
    protected override IEnumerable<string> Settings => Overlaps
        ? [$"of {BackwardScope.LocalLossesWithinBlock}", _matrices, "overlapping blocks"]
        : [$"of {_scope}", _matrices];

    private protected override bool EndsWithSlices => true;

    /// <inheritdoc/>
    protected override long RuleBytes => _passes.Sum(pass => pass.Bytes);

    /// <summary>Backprop: BP, L-BP or LG-BP.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="scope">Which losses, and how far back.</param>
    /// <param name="recompute">Whether to keep only the blocks' outputs, and to compute the other values again on the way back.</param>
    /// <param name="loss">What the losses measure; null for the default.</param>
    public static Backpropagation ThroughWeights(
        LocalMixer model,
        WorkerTeam team,
        BackwardScope scope,
        bool recompute = false,
        TrainingLoss? loss = null) => new(model, team, scope, recompute, null, "through the weights", loss);

    /// <summary>Feedback alignment: FA, L-FA or LG-FA. The matrices are drawn once, at the scale of the initial weights.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="scope">Which losses, and how far back.</param>
    /// <param name="seed">Names the draw of the matrices.</param>
    /// <param name="recompute">Whether to keep only the blocks' outputs, and to compute the other values again on the way back.</param>
    /// <param name="loss">What the losses measure; null for the default.</param>
    public static Backpropagation ThroughRandomFeedback(
        LocalMixer model, WorkerTeam team, BackwardScope scope, ulong seed, bool recompute = false, TrainingLoss? loss = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new(model, team, scope, recompute, model.DrawFeedback(seed), Invariant($"through random matrices of seed {seed}"), loss);
    }

    internal static Backpropagation ThroughFeedback(
        LocalMixer model,
        WorkerTeam team,
        BackwardScope scope,
        ParameterVector feedback,
        TrainingLoss? loss = null) => new(model, team, scope, false, feedback, "through given matrices", loss);

    private bool Overlaps => _scope == BackwardScope.LocalLossesOverlapping;

    private bool IsBetween(MixerBlock block) => block.Index > 0 && block.Index < Model.Blocks.Count - 1;

    private bool Recomputes(MixerBlock block) => Locality == Locality.NetworkRecomputed && block.Index < Model.Blocks.Count - 1;

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
