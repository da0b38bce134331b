using Onward.Engine;
using Onward.Losses;
using Onward.Models;
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
    private readonly Func<Network, ParameterVector>? _feedback; // null to go back through the weights
    private readonly string _matrices;
    private ErrorPath? _path;
    private BackwardPass[] _passes = [];

    private Backpropagation(
        BackwardScope scope, bool recompute, Func<Network, ParameterVector>? feedback, string matrices, TrainingLoss? loss)
        : base(
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

        (_scope, _feedback, _matrices) = (scope, feedback, matrices);
    }

    /// <inheritdoc/>
    /// <remarks>If blocks overlap, the loss of a block passes back through that block a second time, to the block before.</remarks>
    protected internal override double RuleFlopsOf(Network network, NetworkBlock block) => 2.0 * block.Layers.Select((layer, l) =>
        layer.Positions * layer.Map.MultiplyAddsPerRow * ((l > 0 || (block.Index > 0 && Locality != Locality.Block) ? 3.0 : 2.0)
            + (Recomputes(network, block) || (Overlaps && l > 0 && block.Index > 0 && !IsLast(network, block)) ? 1 : 0))).Sum();

    /// <inheritdoc/>
    /// <remarks>
    /// Recomputing values changes no result, so it is not named. Overlapping blocks keep the name that they had in version 0.1, so
    /// that its runs can be resumed.
    /// </remarks>
    protected override IEnumerable<string> Settings => Overlaps
        ? [$"of {BackwardScope.LocalLossesWithinBlock}", _matrices, "overlapping blocks"]
        : [$"of {_scope}", _matrices];

    internal override bool GradientsAreFinalInSlices => true;

    /// <inheritdoc/>
    protected internal override long RuleBytes => _passes.Sum(pass => pass.Bytes);

    /// <summary>Creates a rule of backpropagation: BP, L-BP or LG-BP.</summary>
    /// <param name="scope">The losses, and the blocks that they go back through.</param>
    /// <param name="recompute">True to keep only the outputs of the blocks, and to compute all other values again on the way back.</param>
    /// <param name="loss">Settings of the losses; null for the defaults.</param>
    /// <exception cref="ArgumentException">
    /// Blocks overlap and values are to be recomputed, or a setting of the loss is out of range.
    /// </exception>
    public static Backpropagation ThroughWeights(
        BackwardScope scope, bool recompute = false, TrainingLoss? loss = null) => new(scope, recompute, null, "through the weights", loss);

    /// <summary>
    /// Creates a rule of feedback alignment: FA, L-FA or LG-FA. The matrices are drawn once, at the scale of the initial weights.
    /// </summary>
    /// <param name="scope">The losses, and the blocks that they go back through.</param>
    /// <param name="seed">The seed of the matrices.</param>
    /// <param name="recompute">True to keep only the outputs of the blocks, and to compute all other values again on the way back.</param>
    /// <param name="loss">Settings of the losses; null for the defaults.</param>
    /// <exception cref="ArgumentException">
    /// Blocks overlap and values are to be recomputed, or a setting of the loss is out of range.
    /// </exception>
    public static Backpropagation ThroughRandomFeedback(
        BackwardScope scope, ulong seed, bool recompute = false, TrainingLoss? loss = null) =>
        new(scope, recompute, network => network.DrawFeedback(seed), Invariant($"through random matrices of seed {seed}"), loss);

    internal static Backpropagation ThroughFeedback(BackwardScope scope, ParameterVector feedback, TrainingLoss? loss = null) =>
        new(scope, false, _ => feedback, "through given matrices", loss);

    private bool Overlaps => _scope == BackwardScope.LocalLossesOverlapping;

    private bool Recomputes(Network network, NetworkBlock block) => Locality == Locality.NetworkRecomputed && !IsLast(network, block);

    private static bool IsLast(Network network, NetworkBlock block) => block.Index == network.Blocks.Count - 1;

    /// <inheritdoc/>
    protected override void Prepare(TrainingStep training)
    {
        _path = new ErrorPath(training.Network);
        _passes = [.. training.Tiles.Select(tiles => new BackwardPass(training.Network, _path, tiles[0].Activations.Examples, Overlaps))];
        if (_feedback is not null)
        {
            _path.Load(_feedback(training.Network), training.Team);
        }
    }

    /// <inheritdoc/>
    protected internal override void BeginStep(uint number, int batch)
    {
        if (_feedback is null)
        {
            _path!.Load(Step.Network.Values, Step.Team, Step.OwnBlocks);
        }
    }

    /// <inheritdoc/>
    protected internal override void Differentiate(ReadOnlySpan<BlockTile> tiles)
    {
        BackwardPass pass = _passes[tiles[0].Worker];
        for (int k = tiles.Length - 1; k >= 0 && tiles[k].Block.Index >= Step.FirstTrained; k--)
        {
            BlockTile tile = tiles[k];
            if (Overlaps)
            {
                pass.GoThroughOverlapping(tile, first: tile.Block.Index == Step.FirstTrained, last: k == tiles.Length - 1);
                continue;
            }

            bool last = IsLast(Step.Network, tile.Block);
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

            pass.GoThrough(tile, toInput: Locality != Locality.Block && tile.Block.Index > Step.FirstTrained);
        }
    }
}
