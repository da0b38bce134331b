using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using static System.FormattableString;

namespace Onward.Rules;

/// <summary>
/// Forward gradients of weight perturbations, with the loss of the readout alone (FG-W) or with local losses (LG-FG-W;
/// section 3). One direction V for all weights and biases of the blocks is shared by the whole batch. The tangent along V
/// is carried forward beside the values, and the estimate is the derivative times V.
/// </summary>
/// <remarks>
/// <para>
/// With losses for each group, weights are multiplied by the derivatives of the groups that they feed (<see cref="WeightCredit"/>). A
/// full-width normalisation behind a layer lets its weights change the other groups too. The paper's credit ignores that, so the estimate
/// is biased, but has much lower variance. (Noise on activations enters behind the normalisation, and is unbiased in every scope.)
/// </para>
/// <para>
/// V is the same for every patch, so a loss for each patch lowers no variance. The variance grows with the number of weights that
/// one loss depends on, which is why the paper perturbs activations.
/// </para>
/// </remarks>
public sealed class WeightForwardGradient : LearningRule
{
    private const int RowsPerJob = 32;

    private readonly LossScope _scope;
    private readonly WeightCredit _credit;
    private readonly int _passes;
    private readonly ulong _seed;
    private readonly NoiseDistribution _distribution;
    private readonly Action<int, int> _draw;
    private readonly Action<int, int> _pack;
    private readonly Action<int, int> _scale;
    private ParameterVector[] _directions = [];
    private Memory<float>[][] _packed = [];
    private WeightWalk[] _walks = [];
    private float[] _groupSums = [];
    private (NetworkLayer Layer, int Block, int Row)[] _rows = [];
    private (NetworkLayer Layer, int Block, int Slice)[] _slices = [];
    private int _creditLength;
    private float[] _credits = [];
    private uint _step;
    private int _batch;

    /// <summary>Creates the rule.</summary>
    /// <param name="distribution">The distribution of the directions.</param>
    /// <param name="scope">The local losses, which must include <see cref="LossScope.Block"/>; or the global loss.</param>
    /// <param name="passes">Directions to average over in each step; 1 to <see cref="ForwardGradient.MaximumPasses"/>.</param>
    /// <param name="seed">The seed of all noise of the run.</param>
    /// <param name="loss">Settings of the losses; null for the defaults.</param>
    /// <param name="credit">The derivatives that weights are multiplied by, with losses for each group.</param>
    /// <exception cref="ArgumentException">
    /// <paramref name="scope"/> has parts but lacks the block flag, passes are out of range, or the distribution has no set of so many
    /// directions.
    /// </exception>
    public WeightForwardGradient(
        NoiseDistribution distribution,
        LossScope scope,
        int passes,
        ulong seed,
        TrainingLoss? loss = null,
        WeightCredit credit = WeightCredit.Paper)
        : base(TangentSweep.RequireScope(scope), trainsHeads: true, loss)
    {
        ArgumentNullException.ThrowIfNull(distribution);
        ArgumentOutOfRangeException.ThrowIfLessThan(passes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(passes, ForwardGradient.MaximumPasses);
        (_scope, _credit, _passes, _seed) = (scope, credit, passes, seed);
        _distribution = distribution.ForPasses(passes);
        (_draw, _pack, _scale) = (DrawRows, PackSlice, ScaleRows);
    }

    // A tangent that passes through frozen blocks would carry noise for nothing.
    internal override bool AllowsFrozenBlocks => Locality == Locality.Block;

    /// <inheritdoc/>
    protected override void Prepare(TrainingStep training)
    {
        Network network = training.Network;
        _creditLength = network.Blocks.Max(block => block.Groups) + 1;
        NetworkLayer[] layers = [.. network.Blocks.SelectMany(block => block.Layers)];
        _directions = [.. Enumerable.Range(0, _passes).Select(_ => new ParameterVector(network.Values.Layout))];
        _packed = [.. _directions.Select(_ => layers.Select(layer => AlignedMemory.Allocate(layer.Map.PackedWeightLength)).ToArray())];
        _walks =
        [
            .. training.Tiles.Select(
                tiles => new WeightWalk(network, new(network, tiles, ownDirections: false), _directions, _packed, _scope, _passes)),
        ];
        _groupSums = new float[_passes * network.Blocks.Count * _creditLength];
        _rows =
        [
            .. network.Blocks.SelectMany(
                block => block.Layers.SelectMany(
                    layer => Enumerable.Range(0, RowJobs(layer)).Select(i => (layer, block.Index, i * RowsPerJob)))),
        ];
        _slices =
        [
            .. network.Blocks.SelectMany(
                block => block.Layers.SelectMany(
                    layer => Enumerable.Range(0, layer.Map.Slices).Select(slice => (layer, block.Index, slice)))),
        ];

        static int RowJobs(NetworkLayer layer) =>
            ((layer.Weight.Length / layer.Map.WeightShape[^1]) + RowsPerJob - 1) / RowsPerJob;
    }

    /// <inheritdoc/>
    /// <remarks>A layer multiplies its input by V and, if its input has a tangent, the tangent by the weights.</remarks>
    protected internal override double RuleFlopsOf(Network network, NetworkBlock block) => 2.0 * block.Layers
        .Select(
            (layer, l) => layer.Positions * layer.Map.MultiplyAddsPerRow
                * (1.0 + (_passes * (MultipliesByWeights(block, l) ? 2 : 1))))
        .Sum();

    /// <inheritdoc/>
    protected override IEnumerable<string> Settings =>
    [
        $"{_distribution.Description} noise on weights",
        Invariant($"{_passes} pass{(_passes == 1 ? "" : "es")}"),
        $"loss scope {_scope}",
        "derivatives by Tangent", // an option of version 0.1, kept so that its runs can be resumed
        Invariant($"seed {_seed}"),
        .. _credit == WeightCredit.Paper ? [] : new[] { "credit by reach" },
    ];

    internal override bool LeavesOutputGradients => false;

    /// <inheritdoc/>
    protected internal override long RuleBytes =>
        _walks.Sum(walk => walk.Memory.Bytes) + (sizeof(float) * _packed.Sum(pass => pass.Sum(m => (long)m.Length)));

    /// <inheritdoc/>
    protected internal override void BeginStep(uint number, int batch)
    {
        (_step, _batch) = (number, batch);
        int length = checked(_passes * Step.Network.Blocks.Count * batch * _creditLength);
        if (_credits.Length < length)
        {
            _credits = new float[length];
        }

        Step.Team.Run(_rows.Length, _draw);
        Step.Team.Run(_slices.Length, _pack);
    }

    /// <inheritdoc/>
    protected internal override void Differentiate(ReadOnlySpan<BlockTile> tiles)
    {
        WeightWalk walk = _walks[tiles[0].Worker];
        TangentMemory memory = walk.Memory;
        TangentSweep.ComputeFeatureGradients(Step.Network, _scope, tiles);
        for (int pass = 0; pass < _passes; pass++)
        {
            for (int k = 0; k < tiles.Length; k++)
            {
                walk.Carry(tiles[k], pass);
                if (_scope != LossScope.Global)
                {
                    KeepCredit(tiles[k], memory, pass);
                }
            }

            if (_scope == LossScope.Global)
            {
                TangentSweep.DifferentiateFinalLoss(tiles[^1], 1f / _passes, memory);
                foreach (BlockTile tile in tiles)
                {
                    KeepGlobalCredit(tile, memory, pass);
                }
            }
        }
    }

    // All examples' derivatives, added in order; then the direction times its share of them. Every process can draw the direction, so
    // these sums are all that has to pass between processes.
    /// <inheritdoc/>
    protected internal override void CompleteStep()
    {
        for (int pass = 0; pass < _passes; pass++)
        {
            for (int k = Step.OwnBlocks.Start.Value; k < Step.OwnBlocks.End.Value; k++)
            {
                Span<float> sums = GroupSums(pass, k);
                sums.Clear();
                for (int n = 0; n < _batch; n++)
                {
                    TensorPrimitives.Add(sums, Credit(pass, k, n), sums);
                }
            }
        }

        Step.Grid.Peers.Sum(_groupSums.AsMemory());
        for (int pass = 0; pass < _passes; pass++)
        {
            for (int k = Step.OwnBlocks.Start.Value; k < Step.OwnBlocks.End.Value; k++)
            {
                Span<float> sums = GroupSums(pass, k);
                if (!_scope.Has(LossScope.Group))
                {
                    sums[..^1].Fill(sums[^1]);
                }
            }
        }

        Step.Team.Run(_rows.Length, _scale);
    }

    // Whether a layer multiplies anything by its own weights beside the values.
    private bool MultipliesByWeights(NetworkBlock block, int layer) => layer > 0 || TangentSweep.InputMoves(_scope, block);

    private void KeepGlobalCredit(BlockTile tile, TangentMemory memory, int pass)
    {
        for (int n = 0; n < tile.Examples; n++)
        {
            Credit(pass, tile.Block.Index, tile.FirstExample + n).Fill(memory.ExampleCredit[n]);
        }
    }

    // Computes for each example the derivative of each group's loss, over all patches, and last the derivative of all groups' losses.
    private void KeepCredit(BlockTile tile, TangentMemory memory, int pass)
    {
        int groups = tile.Block.Groups, patches = tile.Block.Patches;
        for (int n = 0; n < tile.Examples; n++)
        {
            Span<float> credit = Credit(pass, tile.Block.Index, tile.FirstExample + n);
            Span<float> byGroup = credit[..groups];
            byGroup.Clear();
            for (int p = 0; p < patches; p++)
            {
                TensorPrimitives.Add(byGroup, memory.GroupCredit.Span.Slice(((n * patches) + p) * groups, groups), byGroup);
            }

            credit[groups] = Reduction.Sum(byGroup);
        }
    }

    private Span<float> GroupSums(int pass, int block) =>
        _groupSums.AsSpan(((pass * Step.Network.Blocks.Count) + block) * _creditLength, Step.Network.Blocks[block].Groups + 1);

    private Span<float> Credit(int pass, int block, int example)
    {
        int start = ((((pass * Step.Network.Blocks.Count) + block) * _batch) + example) * _creditLength;
        return _credits.AsSpan(start, Step.Network.Blocks[block].Groups + 1);
    }

    private void DrawRows(int job, int worker)
    {
        (NetworkLayer layer, int block, int row) = _rows[job];
        if (!Step.Owns(block))
        {
            return;
        }

        int columns = layer.Map.WeightShape[^1];
        for (int pass = 0; pass < _passes; pass++)
        {
            RandomStream stream = new(_seed, RandomPurpose.Perturbation, _step, (uint)pass, (uint)layer.Index);
            _distribution.Draw(stream, row * columns, Chunk(_directions[pass][layer.Weight], row, columns));
            if (row == 0)
            {
                _distribution.Draw(stream with { Example = 1 }, 0, _directions[pass][layer.Bias]);
            }
        }
    }

    private void PackSlice(int job, int worker)
    {
        (NetworkLayer layer, int block, int slice) = _slices[job];
        for (int pass = 0; pass < _passes && Step.Owns(block); pass++)
        {
            layer.Map.PackWeight(slice, _directions[pass][layer.Weight], _packed[pass][layer.Index].Span);
        }
    }

    private void ScaleRows(int job, int worker)
    {
        (NetworkLayer layer, int block, int row) = _rows[job];
        int columns = layer.Map.WeightShape[^1], groups = Step.Network.Blocks[block].Groups;
        for (int pass = 0; pass < _passes && Step.Owns(block); pass++)
        {
            ReadOnlySpan<float> direction = Chunk(_directions[pass][layer.Weight], row, columns);
            Span<float> estimate = Chunk(Step.Gradients[layer.Weight], row, columns);
            bool all = ReachesAllGroups(layer);
            for (int i = 0; i < direction.Length; i += columns)
            {
                ReadOnlySpan<float> credit = CreditOf(layer.Map.OutputsOf(row + (i / columns)), all);
                Scale(direction.Slice(i, columns), credit, estimate.Slice(i, columns), accumulate: pass > 0);
            }

            if (row == 0)
            {
                // A bias of each position has rows like the weight.
                bool everyChannel = layer.Map.OutputsOf(0) is null;
                int width = everyChannel ? layer.Bias.Length : layer.Map.Outputs;
                for (int i = 0; i < layer.Bias.Length; i += width)
                {
                    Scale(
                        _directions[pass][layer.Bias].Slice(i, width),
                        CreditOf(everyChannel ? null : (0, width), all),
                        Step.Gradients[layer.Bias].Slice(i, width),
                        accumulate: pass > 0);
                }
            }

            // The derivatives of the groups that a run of channels belongs to, or the sum over all groups.
            ReadOnlySpan<float> CreditOf((int First, int Count)? outputs, bool all) => outputs is null || all
                ? GroupSums(pass, block)[groups..]
                : GroupSums(pass, block)[..groups].Slice(
                    outputs.Value.First * groups / layer.Map.Outputs, Math.Max(1, outputs.Value.Count * groups / layer.Map.Outputs));
        }
    }

    private bool ReachesAllGroups(NetworkLayer layer) =>
        _credit == WeightCredit.Paper ? layer.ReachesAllGroups : layer.OutputReachesAllGroups;

    private static void Scale(ReadOnlySpan<float> direction, ReadOnlySpan<float> credit, Span<float> estimate, bool accumulate) =>
        Activation.ScaleRuns(direction, credit, estimate, direction.Length / credit.Length, accumulate);

    private static Span<float> Chunk(Span<float> weight, int row, int columns) =>
        weight.Slice(row * columns, Math.Min(RowsPerJob * columns, weight.Length - (row * columns)));
}
