using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Threads;
using static System.FormattableString;

namespace Onward.Rules;

/// <summary>
/// Forward gradients of weight perturbations, with the loss of the readout alone (FG-W) or with local losses (LG-FG-W;
///  One direction V for all weights and biases of the blocks is shared by the whole batch. The tangent along V
/// is carried forward beside the values, and the estimate is the derivative times V.
/// </summary>
/// <remarks>
/// <para>
/// With losses for each group, the weights that feed channel group g are multiplied by the losses of group g alone, as in
/// the paper. The weights of the layer that mixes patches are multiplied by the losses of all groups. A full-width normalisation
/// after the channel layer lets a weight of one group change the other groups too. This credit ignores that, so the estimate is
/// biased, but has much lower variance. Without the group flag, or without that normalisation, the estimate is unbiased. (Noise on
/// activations enters after the normalisation, and is unbiased in every scope.)
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
    private readonly int _passes;
    private readonly ulong _seed;
    private readonly NoiseDistribution _distribution;
    private readonly ParameterVector[] _directions;
    private readonly Memory<float>[][] _packed;
    private readonly TangentMemory[] _memory;
    private readonly float[] _groupSums;
    private readonly (MixerLayer Layer, int Block, int Row)[] _rows;
    private readonly (MixerLayer Layer, int Block, int Slice)[] _slices;
    private readonly Action<int, int> _draw;
    private readonly Action<int, int> _pack;
    private readonly Action<int, int> _scale;
    private readonly int _creditLength;
    private float[] _credits = [];
    private uint _step;
    private int _batch;

    /// <summary>Prepares steps on a model.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="distribution">The distribution of the directions.</param>
    /// <param name="scope">The local losses, which must include <see cref="LossScope.Block"/>; or the global loss.</param>
    /// <param name="passes">Directions to average over in each step; 1 to <see cref="ForwardGradient.MaximumPasses"/>.</param>
    /// <param name="seed">The seed of all noise of the run.</param>
    /// <param name="loss">Settings of the losses; null for the defaults.</param>
    /// <exception cref="ArgumentException">
    /// <paramref name="scope"/> has parts but lacks the block flag, passes are out of range, or the distribution has no set of so many
    /// directions.
    /// </exception>
    public WeightForwardGradient(
        LocalMixer model,
        WorkerTeam team,
        NoiseDistribution distribution,
        LossScope scope,
        int passes,
        ulong seed,
        TrainingLoss? loss = null)
        : base(model, team, TangentSweep.RequireScope(scope), trainsHeads: true, loss)
    {
        ArgumentNullException.ThrowIfNull(distribution);
        ArgumentOutOfRangeException.ThrowIfLessThan(passes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(passes, ForwardGradient.MaximumPasses);
        _creditLength = model.Blocks.Max(block => block.Groups) + 1;
        _scope = scope;
        _passes = passes;
        _seed = seed;
        _distribution = distribution.ForPasses(passes);
        MixerLayer[] layers = [.. model.Blocks.SelectMany(block => block.Layers)];
        _directions = [.. Enumerable.Range(0, passes).Select(_ => new ParameterVector(model.Values.Layout))];
        _packed = [.. _directions.Select(_ => layers.Select(layer => AlignedMemory.Allocate(layer.Map.PackedWeightLength)).ToArray())];
        _memory = [.. Tiles.Select(tiles => new TangentMemory(model, tiles, ownDirections: false))];
        _groupSums = new float[passes * model.Blocks.Count * _creditLength];
        _rows =
        [
            .. model.Blocks.SelectMany(
                block => block.Layers.SelectMany(
                    layer => Enumerable.Range(0, RowJobs(layer)).Select(i => (layer, block.Index, i * RowsPerJob)))),
        ];
        _slices =
        [
            .. model.Blocks.SelectMany(
                block => block.Layers.SelectMany(
                    layer => Enumerable.Range(0, layer.Map.Slices).Select(slice => (layer, block.Index, slice)))),
        ];
        _draw = DrawRows;
        _pack = PackSlice;
        _scale = ScaleRows;

        static int RowJobs(MixerLayer layer) =>
            ((layer.Weight.Length / layer.Map.WeightShape[^1]) + RowsPerJob - 1) / RowsPerJob;
    }

    /// <inheritdoc/>
    /// <remarks>A layer multiplies its input by V and, if its input has a tangent, the tangent by the weights.</remarks>
    protected override double RuleFlopsOf(MixerBlock block) => 2.0 * block.Patches
        * block.Layers.Select((layer, l) => layer.Map.MultiplyAddsPerRow * (1.0 + (_passes * (MultipliesByWeights(block, l) ? 2 : 1))))
            .Sum();

    /// <inheritdoc/>
    protected override IEnumerable<string> Settings =>
    [
        $"{_distribution.Description} noise on weights",
        Invariant($"{_passes} pass{(_passes == 1 ? "" : "es")}"),
        $"loss scope {_scope}",
        "derivatives by Tangent", // an option of version 0.1, kept so that its runs can be resumed
        Invariant($"seed {_seed}"),
    ];

    internal override bool LeavesOutputGradients => false;

    /// <inheritdoc/>
    protected override long RuleBytes =>
        _memory.Sum(memory => memory.Bytes) + (sizeof(float) * _packed.Sum(pass => pass.Sum(m => (long)m.Length)));

    /// <inheritdoc/>
    protected override void BeginStep(uint number, int batch)
    {
        (_step, _batch) = (number, batch);
        int length = checked(_passes * Model.Blocks.Count * batch * _creditLength);
        if (_credits.Length < length)
        {
            _credits = new float[length];
        }

        Team.Run(_rows.Length, _draw);
        Team.Run(_slices.Length, _pack);
    }

    /// <inheritdoc/>
    protected internal override void Differentiate(ReadOnlySpan<BlockTile> tiles)
    {
        TangentMemory memory = _memory[tiles[0].Worker];
        TangentSweep.ComputeFeatureGradients(Model, _scope, tiles);
        for (int pass = 0; pass < _passes; pass++)
        {
            for (int k = 0; k < tiles.Length; k++)
            {
                CarryTangent(tiles[k], memory, pass);
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
    protected override void CompleteStep()
    {
        for (int pass = 0; pass < _passes; pass++)
        {
            for (int k = OwnBlocks.Start.Value; k < OwnBlocks.End.Value; k++)
            {
                Span<float> sums = GroupSums(pass, k);
                sums.Clear();
                for (int n = 0; n < _batch; n++)
                {
                    TensorPrimitives.Add(sums, Credit(pass, k, n), sums);
                }
            }
        }

        Grid.Peers.Sum(_groupSums.AsMemory());
        for (int pass = 0; pass < _passes; pass++)
        {
            for (int k = OwnBlocks.Start.Value; k < OwnBlocks.End.Value; k++)
            {
                Span<float> sums = GroupSums(pass, k);
                if (!_scope.HasFlag(LossScope.Group))
                {
                    sums[..^1].Fill(sums[^1]);
                }
            }
        }

        Team.Run(_rows.Length, _scale);
    }

    // Whether a layer multiplies anything by its own weights beside the values.
    private bool MultipliesByWeights(MixerBlock block, int layer) => layer > 0 || TangentSweep.InputMoves(_scope, block);

    // z' = x' W + x V + v, then as every tangent.
    private void CarryTangent(BlockTile tile, TangentMemory memory, int pass)
    {
        MixerBlock block = tile.Block;
        bool inputMoves = TangentSweep.InputMoves(_scope, block);
        int last = block.Layers.Count - 1;
        Span<float> input = memory.Input.Span, output = memory.Output.Span;
        if (inputMoves)
        {
            TangentSweep.EnterBlock(tile, memory);
        }

        for (int l = 0; l <= last; l++)
        {
            MixerLayer layer = block.Layers[l];
            Span<float> workspace = tile.Activations.Workspace.Span;
            bool moves = l > 0 || inputMoves;
            if (moves)
            {
                layer.Map.Apply(layer.PackedWeight, input, output, tile.Rows, workspace);
            }

            layer.Map.Apply(_packed[pass][layer.Index].Span, tile.Inputs[l].Span, output, tile.Rows, workspace, accumulate: moves);
            ReadOnlySpan<float> active = l == last ? tile.Result.Span : tile.Activations.Output(l);
            for (int row = 0; row < tile.Rows; row += MixerBlock.ChunkRows)
            {
                Range chunk = MixerBlock.Chunk(row, tile.Rows, layer.Map.Outputs);
                Span<float> tangent = output[chunk];
                layer.Map.AddBias(_directions[pass][layer.Bias], tangent, row % block.Patches);
                TangentSweep.ThroughOutputNorm(tile, l, tangent, chunk);
                if (inputMoves && l == last)
                {
                    block.AddResidual(memory.Source.Span[MixerBlock.Chunk(row, tile.Rows, block.Inputs)], tangent);
                }

                Activation.Mask(active[chunk], tangent);
                if (l < last)
                {
                    TangentSweep.ThroughInputNorm(tile, l + 1, tangent, input[chunk], chunk);
                }
                else if (_scope != LossScope.Global)
                {
                    TangentSweep.DifferentiateLocalLosses(tile, tangent, input[chunk], chunk, row, 1f / _passes, memory.GroupCredit.Span);
                }
            }
        }
    }

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

            credit[groups] = TensorPrimitives.Sum<float>(byGroup);
        }
    }

    private Span<float> GroupSums(int pass, int block) =>
        _groupSums.AsSpan(((pass * Model.Blocks.Count) + block) * _creditLength, Model.Blocks[block].Groups + 1);

    private Span<float> Credit(int pass, int block, int example)
    {
        int start = ((((pass * Model.Blocks.Count) + block) * _batch) + example) * _creditLength;
        return _credits.AsSpan(start, Model.Blocks[block].Groups + 1);
    }

    private void DrawRows(int job, int worker)
    {
        (MixerLayer layer, int block, int row) = _rows[job];
        if (!Owns(block))
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
        (MixerLayer layer, int block, int slice) = _slices[job];
        for (int pass = 0; pass < _passes && Owns(block); pass++)
        {
            layer.Map.PackWeight(slice, _directions[pass][layer.Weight], _packed[pass][layer.Index].Span);
        }
    }

    private void ScaleRows(int job, int worker)
    {
        (MixerLayer layer, int block, int row) = _rows[job];
        int columns = layer.Map.WeightShape[^1], groups = Model.Blocks[block].Groups;
        for (int pass = 0; pass < _passes && Owns(block); pass++)
        {
            ReadOnlySpan<float> sums = GroupSums(pass, block);
            ReadOnlySpan<float> direction = Chunk(_directions[pass][layer.Weight], row, columns);
            Span<float> estimate = Chunk(Gradients[layer.Weight], row, columns);
            for (int i = 0; i < direction.Length; i += columns)
            {
                // A row of a full matrix feeds all groups, one of a grouped matrix its own, one of token mixing or convolution all at once.
                ReadOnlySpan<float> credit = layer.ReachesAllGroups ? sums[groups..]
                    : columns == Model.Blocks[block].Channels ? sums[..groups]
                    : sums.Slice((row + (i / columns)) / columns, 1);
                Scale(direction.Slice(i, columns), credit, estimate.Slice(i, columns), accumulate: pass > 0);
            }

            if (row == 0)
            {
                Scale(
                    _directions[pass][layer.Bias],
                    layer.ReachesAllGroups ? sums[groups..] : sums[..groups],
                    Gradients[layer.Bias],
                    accumulate: pass > 0);
            }
        }
    }

    private static void Scale(ReadOnlySpan<float> direction, ReadOnlySpan<float> credit, Span<float> estimate, bool accumulate) =>
        Activation.ScaleRuns(direction, credit, estimate, direction.Length / credit.Length, accumulate);

    private static Span<float> Chunk(Span<float> weight, int row, int columns) =>
        weight.Slice(row * columns, Math.Min(RowsPerJob * columns, weight.Length - (row * columns)));
}
