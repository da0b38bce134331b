using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using static System.FormattableString;

namespace Onward.Rules;

/// <summary>
/// The paper's method: forward gradients of activity perturbations, with local losses (LG-FG-A; sections 3 and 4,
/// or with the loss of the readout alone (FG-A). No derivative ever goes back through a layer's weights.
/// </summary>
/// <remarks>
/// <para>In each block, with independent noise u on every pre-activation n (after normalisation, before ReLU):</para>
/// <list type="number">
/// <item>the tangent of the block along all its noise at once is carried forward;</item>
/// <item>at the end of the block, the tangent gives g[n,p,g], the directional derivative of the local loss of patch p and group
/// g;</item>
/// <item>the gradient of a pre-activation is estimated as g u if its unit is active, else as 0: each number of noise is multiplied
/// by the derivatives of only those losses that it can change, so the estimate is unbiased;</item>
/// <item>the estimate passes back through the normalisation after the layer, and its product with the layer's input is the
/// weight gradient.</item>
/// </list>
/// <para>
/// With several passes, the values are computed once and the tangents once for each direction. The estimates are averaged
/// before step 4, so an additional pass costs only a tangent.
/// </para>
/// <para>
/// Layer by layer, each layer of a block has a tangent of its own, which starts at that layer. Then each loss depends on C or D
/// numbers of noise instead of D + 2 C. That costs few additional products, because only the tangent of token mixing passes
/// through the channel layer's matrix.
/// </para>
/// <para>
/// With <see cref="NoiseSites.Hidden"/>, the layer before a loss is not perturbed. The gradient of its output is then exact.
/// </para>
/// <para>
/// With <see cref="ControlVariate.LearnedFeedback"/>, a prediction of the gradient lowers the variance of the estimate.
/// </para>
/// <para>
/// Without local losses, the tangent passes through all blocks, and all noise of an example is multiplied by the derivative of
/// that example's loss. The estimate is unbiased for any number of patches and groups, and is the mean over the batch. The
/// paper's code differs in both.
/// </para>
/// </remarks>
public sealed class ForwardGradient : LearningRule
{
    /// <summary>The largest number of directions that one step can average over.</summary>
    public const int MaximumPasses = (int)RandomStream.MaximumPass + 1;

    private readonly LossScope _scope;
    private readonly int _passes;
    private readonly NoiseDistribution _perturbation;
    private readonly ulong _seed;
    private readonly bool _layerwise;
    private readonly NoiseSites _sites;
    private readonly bool _hasFeedback;
    private NoiseWalk[] _walks = [];
    private BackwardPass[] _back = [];
    private FeedbackPrediction[] _predictions = [];
    private int[] _noisyLayers = [];

    /// <summary>Creates the rule.</summary>
    /// <param name="perturbation">The distribution of the noise.</param>
    /// <param name="scope">The local losses, which must include <see cref="LossScope.Block"/>; or the global loss.</param>
    /// <param name="passes">Directions to average over in each step; 1 to <see cref="MaximumPasses"/>.</param>
    /// <param name="seed">The seed of all noise of the run.</param>
    /// <param name="loss">Settings of the losses; null for the defaults.</param>
    /// <param name="layerwise">
    /// True to perturb the layers of a block one at a time, each with a tangent of its own; with local losses only.
    /// </param>
    /// <param name="sites">The layers that are perturbed.</param>
    /// <param name="controlVariate">The prediction of gradients; needs <see cref="NoiseSites.Hidden"/>.</param>
    /// <exception cref="ArgumentException">
    /// <paramref name="scope"/> has parts but lacks the block flag, passes are out of range, the distribution has no set of so many
    /// directions, <paramref name="layerwise"/> is combined with the global loss, or <paramref name="controlVariate"/> with all
    /// sites.
    /// </exception>
    public ForwardGradient(
        NoiseDistribution perturbation,
        LossScope scope,
        int passes,
        ulong seed,
        TrainingLoss? loss = null,
        bool layerwise = false,
        NoiseSites sites = NoiseSites.All,
        ControlVariate controlVariate = ControlVariate.None)
        : base(TangentSweep.RequireScope(scope), trainsHeads: true, loss)
    {
        ArgumentNullException.ThrowIfNull(perturbation);
        ArgumentOutOfRangeException.ThrowIfLessThan(passes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(passes, MaximumPasses);
        if (layerwise && scope == LossScope.Global)
        {
            throw new ArgumentException(
                "Layers are perturbed one at a time within blocks that have losses of their own; the scope must include Block.",
                nameof(layerwise));
        }

        if (controlVariate == ControlVariate.LearnedFeedback && sites != NoiseSites.Hidden)
        {
            throw new ArgumentException(
                "Predictions start from the exact gradient of the layer before a loss, so that layer must not be perturbed: "
                + "the noise sites must be Hidden.",
                nameof(controlVariate));
        }

        _perturbation = perturbation.ForPasses(passes);
        (_scope, _passes, _seed) = (scope, passes, seed);
        (_layerwise, _sites, _hasFeedback) = (layerwise, sites, controlVariate == ControlVariate.LearnedFeedback);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// If the input of a block has no tangent, its first layer multiplies none. Feedback takes a product for the prediction and, in some
    /// steps, another one for the fit.
    /// </remarks>
    protected internal override double RuleFlopsOf(Network network, NetworkBlock block) => 2.0 * block.Layers
        .Select(
            (layer, l) => layer.Positions * layer.Map.MultiplyAddsPerRow * (
                2.0 + (_passes * TangentsOf(block, l)) + (HasFeedback(block, l) ? 1 + LearnedFeedback.FitsPerStep(IsGlobal) : 0)))
        .Sum();

    /// <summary>
    /// Receives the directional derivatives of a tile's local losses [rows, G] in each pass, divided by the number of passes, before
    /// losses are added up that the scope does not separate. Called on the thread that works on the tile.
    /// </summary>
    internal Action<BlockTile, int, ReadOnlyMemory<float>>? DerivativesTaken { get; set; }

    /// <inheritdoc/>
    protected override IEnumerable<string> Settings =>
    [
        $"{_perturbation.Description} noise on {(_sites == NoiseSites.Hidden ? "hidden " : "")}activities"
            + (_layerwise ? ", layer by layer" : ""),
        Invariant($"{_passes} pass{(_passes == 1 ? "" : "es")}"),
        $"loss scope {_scope}",
        "derivatives by Tangent", // an option of version 0.1, kept so that its runs can be resumed
        Invariant($"seed {_seed}"),
        .. _hasFeedback ? new[] { "learned feedback" } : [],
    ];

    /// <summary>The learned feedback; null if the rule has none, or serves no step yet.</summary>
    internal LearnedFeedback? Feedback { get; private set; }

    /// <summary>The learned feedback of a step's rule; null if the rule has none.</summary>
    internal static LearnedFeedback? FeedbackOf(TrainingStep step) => (step.Rule as ForwardGradient)?.Feedback;

    internal override WaveFit? Fit => Feedback;

    internal override bool GradientsAreFinalInSlices => true;

    // A tangent that passes through frozen blocks would carry noise for nothing, and feedback is fitted to the estimates of every block.
    internal override bool AllowsFrozenBlocks => Locality == Locality.Block && !_hasFeedback;

    /// <inheritdoc/>
    protected internal override long RuleBytes =>
        _walks.Sum(walk => walk.Memory.Bytes) + _back.Sum(pass => pass.Bytes)
            + _predictions.Sum(prediction => prediction.Bytes) + (Feedback?.Bytes ?? 0);

    /// <inheritdoc/>
    protected override void Prepare(TrainingStep training)
    {
        Network network = training.Network;
        if (_hasFeedback)
        {
            Feedback = new LearnedFeedback(network, training.Team, training.WaveExamples, IsGlobal);
            _predictions = [.. training.Tiles.Select(tiles => new FeedbackPrediction(network, Feedback, tiles, _scope, _passes))];
        }

        ActivityNoise noise = new(_perturbation, network, _passes, _seed);
        _walks =
        [
            .. training.Tiles.Select(
                tiles => new NoiseWalk(network, new(network, tiles, ownDirections: _passes > 1), noise, _scope, _passes)),
        ];
        if (_sites == NoiseSites.Hidden)
        {
            _back = [.. training.Tiles.Select(tiles => new BackwardPass(network, path: null, tiles[0].Activations.Examples))];
        }

        // A loss follows the last layer of a block directly, unless it is global and the block is not the last.
        _noisyLayers =
        [
            .. network.Blocks.Select(
                block => block.Layers.Count
                    - (_sites == NoiseSites.Hidden && (!IsGlobal || block.Index == network.Blocks.Count - 1) ? 1 : 0)),
        ];
    }

    /// <inheritdoc/>
    protected internal override void BeginStep(uint number, int batch) => Feedback?.Begin(Step.OwnBlocks, number);

    /// <inheritdoc/>
    protected internal override void CompleteStep() => Feedback?.Complete(Step.Grid);

    /// <inheritdoc/>
    protected internal override void Differentiate(ReadOnlySpan<BlockTile> tiles)
    {
        NoiseWalk walk = _walks[tiles[0].Worker];
        TangentSweep.ComputeFeatureGradients(Step.Network, _scope, tiles);
        foreach (BlockTile tile in tiles)
        {
            if (_noisyLayers[tile.Block.Index] < tile.Block.Layers.Count)
            {
                TangentSweep.LeaveExactGradient(_scope, tile, _back[tile.Worker]);
            }
        }

        if (Feedback is not null)
        {
            _predictions[tiles[0].Worker].Predict(tiles);
        }

        for (int pass = 0; pass < _passes; pass++)
        {
            if (IsGlobal)
            {
                DifferentiateGlobalLoss(tiles, walk, pass);
                continue;
            }

            for (int k = 0; k < tiles.Length; k++)
            {
                int noisy = _noisyLayers[tiles[k].Block.Index], sweeps = _layerwise ? noisy : 1;
                for (int i = 0; i < sweeps; i++)
                {
                    DifferentiateLocalLosses(tiles[k], walk, pass, _layerwise ? i..(i + 1) : ..noisy);
                }
            }
        }
    }

    // Steps 1 to 3 for noise on some layers of one block.
    private void DifferentiateLocalLosses(BlockTile tile, NoiseWalk walk, int pass, Range layers)
    {
        walk.Carry(tile, pass, layers);
        TangentMemory memory = walk.Memory;
        DerivativesTaken?.Invoke(tile, pass, memory.GroupCredit[..(tile.Rows * tile.Block.Groups)]);
        Span<float> byRow = memory.RowCredit.Span[..tile.Rows];
        byRow.Clear();
        TangentSweep.MergeCredit(_scope, tile, memory.GroupCredit.Span[..(tile.Rows * tile.Block.Groups)], byRow);
        if (Feedback is not null)
        {
            _predictions[tile.Worker].ExplainLocal(tile, memory, pass, layers);
        }

        AssignCredit(tile, next: null, memory, pass, layers);
    }

    // Steps 1 to 3 for noise on all layers of all blocks.
    private void DifferentiateGlobalLoss(ReadOnlySpan<BlockTile> tiles, NoiseWalk walk, int pass)
    {
        foreach (BlockTile tile in tiles)
        {
            walk.Carry(tile, pass, .._noisyLayers[tile.Block.Index]);
        }

        TangentMemory memory = walk.Memory;
        TangentSweep.DifferentiateFinalLoss(tiles[^1], 1f / _passes, memory);
        if (Feedback is not null)
        {
            _predictions[tiles[0].Worker].ExplainGlobal(tiles, memory, pass, _noisyLayers);
        }

        for (int k = 0; k < tiles.Length; k++)
        {
            TangentSweep.CreditFinalLoss(tiles[k], memory);
            AssignCredit(tiles[k], k + 1 < tiles.Length ? tiles[k + 1] : null, memory, pass, .._noisyLayers[k]);
        }
    }

    private bool IsGlobal => _scope == LossScope.Global;

    private bool HasFeedback(NetworkBlock block, int layer) => _hasFeedback && LearnedFeedback.IsFittedTo(block, layer, IsGlobal);

    // Tangents that a layer multiplies in one pass.
    private int TangentsOf(NetworkBlock block, int layer) =>
        _layerwise ? layer : layer > 0 || TangentSweep.InputMoves(_scope, block) ? 1 : 0;

    // Step 3 and, after the last pass, step 4 on the same rows.
    private void AssignCredit(BlockTile tile, BlockTile? next, TangentMemory memory, int pass, Range layers)
    {
        bool fits = Feedback is { IsFitting: true };
        for (int l = layers.Start.Value; l < layers.End.Value; l++)
        {
            NetworkLayer layer = tile.Block.Layers[l];
            ReadOnlySpan<float> credit = TangentSweep.CreditOf(_scope, tile, layer, memory, out int size);
            int rows = tile.Examples * layer.Positions, outputs = layer.Map.Outputs;
            bool inOnePass = _passes == 1 && Feedback is null && tile.Block.Plan.SectionOf(l).SiteNorm == size;
            for (int row = 0; row < rows; row += Section.ChunkRows)
            {
                int count = Math.Min(Section.ChunkRows, rows - row);
                Range chunk = NetworkBlock.Chunk(row, rows, outputs);
                ReadOnlySpan<float> direction = memory.Direction(tile, l)[chunk], credits = credit[NetworkBlock.Runs(chunk, size)];
                if (inOnePass)
                {
                    tile.PassBackFromSite(l, row, count, direction, credits);
                    continue;
                }

                Activation.ScaleRuns(direction, credits, tile.GradientRows(l, row, count), size, accumulate: pass > 0);
                if (pass == _passes - 1 && !fits)
                {
                    Complete(tile, l, row, count);
                }
            }

            if (pass == _passes - 1)
            {
                if (fits)
                {
                    _predictions[tile.Worker].LeaveResiduals(tile, next, l);
                    for (int row = 0; row < rows; row += Section.ChunkRows)
                    {
                        Complete(tile, l, row, Math.Min(Section.ChunkRows, rows - row));
                    }
                }

                tile.PackGradient(l);
            }
        }
    }

    // Step 4 on some rows, after adding the prediction if there is one.
    private void Complete(BlockTile tile, int l, int row, int rows)
    {
        if (Feedback is not null)
        {
            _predictions[tile.Worker].Complete(tile, l, row, rows);
            return;
        }

        tile.PassBackFromSite(l, row, rows);
    }
}
