using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Models;
using Onward.Threads;

namespace Onward.Learning;

/// <summary>
/// The paper's method: forward gradients of activity perturbations with local losses (LG-FG-A; sections 3 and 4,
/// spec 4.4). No derivative ever goes back through a weight.
/// </summary>
/// <remarks>
/// <para>In each block, with independent noise u on every pre-activation n (after normalisation, before ReLU):</para>
/// <list type="number">
/// <item>the tangent of the block along all its u at once is carried forward beside the values;</item>
/// <item>at the end of the block it gives g[n,p,g], the directional derivative of the local loss of patch p and group g;</item>
/// <item>the gradient of a pre-activation is estimated as g u where its unit is active: each number of noise is
/// multiplied by just the losses it can reach, so the expectation is the exact gradient of the local losses;</item>
/// <item>that estimate goes back through the one normalisation after the layer, and its product with the layer's input
/// is the weight gradient.</item>
/// </list>
/// <para>
/// With several passes the values are computed once, the tangents once for each direction, and the estimates are averaged
/// before step 4, so a pass more costs a tangent only.
/// </para>
/// </remarks>
public sealed class ForwardGradient
{
    /// <summary>The most directions that one step can average over: as many as noise has names for.</summary>
    public const int MaximumPasses = (int)RandomStream.MaximumPass + 1;

    private readonly LocalMixer _model;
    private readonly ActivityPerturbation _perturbation;
    private readonly LossScope _scope;
    private readonly int _passes;
    private readonly ulong _seed;
    private readonly TileEngine _engine;
    private readonly TangentMemory[] _memory;

    /// <summary>Prepares steps on a model.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="perturbation">What the noise is drawn from.</param>
    /// <param name="scope">The local losses to read; must include <see cref="LossScope.Block"/>.</param>
    /// <param name="passes">Directions to average over in each step; 1 to <see cref="MaximumPasses"/>.</param>
    /// <param name="seed">Names all noise of the run.</param>
    /// <exception cref="ArgumentException"><paramref name="scope"/> lacks the block flag, or passes are out of range.</exception>
    public ForwardGradient(LocalMixer model, WorkerTeam team, ActivityPerturbation perturbation, LossScope scope, int passes, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(team);
        ArgumentNullException.ThrowIfNull(perturbation);
        ArgumentOutOfRangeException.ThrowIfLessThan(passes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(passes, MaximumPasses);
        if (!scope.HasFlag(LossScope.Block))
        {
            throw new ArgumentException($"This rule reads the losses at the end of the blocks; the scope must include Block, got {scope}.", nameof(scope));
        }

        _model = model;
        _perturbation = perturbation;
        _scope = scope;
        _passes = passes;
        _seed = seed;
        _engine = new TileEngine(model, team, EstimateGradients);
        _memory = [.. _engine.Tiles.Select(tile => new TangentMemory(model, tile, passes))];
    }

    /// <summary>The estimates of the last step, by parameter; exact gradients for heads and readout.</summary>
    public ParameterVector Gradients => _engine.Gradients;

    /// <summary>Bytes of activations, tangents and output gradients that a step works in, whatever the batch.</summary>
    public long ActivationBytes => _engine.ActivationBytes + _memory.Sum(memory => memory.Bytes);

    /// <summary>
    /// Floating-point operations in the matrix products of one example's step: value, tangents and weight gradients of
    /// the blocks' layers. The first layer of a block has no tangent to multiply; heads are not counted.
    /// </summary>
    public double MatrixFlopsPerExample => _model.Options.Patches * _model.Blocks.Sum(block =>
        block.Layers.Select((layer, l) => 2.0 * layer.Map.MultiplyAddsPerRow * (2 + (l == 0 ? 0 : _passes))).Sum());

    /// <summary>
    /// Sees the directional derivatives of a tile's local losses [rows, G] in each pass, divided by the number of passes,
    /// before losses that are not told apart are added up. Called on the thread that works on the tile.
    /// </summary>
    internal Action<BlockTile, int, ReadOnlyMemory<float>>? DerivativesTaken { get; set; }

    /// <summary>Computes the loss and the estimated gradients of one batch.</summary>
    /// <param name="pixels">Standardised images [example, row, column, channel].</param>
    /// <param name="labels">The class of each example.</param>
    /// <param name="step">The step's number, which names its noise.</param>
    /// <returns>What the step measured; overwritten by the next step.</returns>
    /// <exception cref="ArgumentException">The batch is empty, or images and labels do not match.</exception>
    public StepResult Step(ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels, uint step) => _engine.Step(pixels, labels, step);

    private void EstimateGradients(BlockTile tile)
    {
        TangentMemory memory = _memory[tile.Worker];
        for (int pass = 0; pass < _passes; pass++)
        {
            CarryTangent(tile, memory, pass);
            DerivativesTaken?.Invoke(tile, pass, memory.GroupCredit[..(tile.Rows * _model.Options.Groups)]);
            ShareCredit(tile, memory);
            for (int l = 0; l < tile.Block.Layers.Count; l++)
            {
                AssignCredit(tile, memory, l, accumulate: pass > 0);
            }
        }

        for (int l = 0; l < tile.Block.Layers.Count; l++)
        {
            PassBackThroughNormalization(tile, l);
        }
    }

    // Steps 1 and 2. The block's input carries no tangent, so the first layer's tangent is its noise alone.
    private void CarryTangent(BlockTile tile, TangentMemory memory, int pass)
    {
        MixerBlock block = tile.Block;
        int channels = _model.Options.Channels, last = block.Layers.Count - 1;
        for (int l = 0; l <= last; l++)
        {
            MixerLayer layer = block.Layers[l];
            Span<float> tangent = memory.Output.Span;
            if (l > 0)
            {
                layer.Map.Apply(layer.PackedWeight, memory.Input.Span[..(tile.Rows * channels)], tangent[..(tile.Rows * channels)], tile.Rows, tile.Activations.Workspace.Span);
            }

            Span<float> values = tile.Activations.Output(l);
            Span<float> active = l == last ? tile.Result.Span : values;
            for (int row = 0; row < tile.Rows; row += MixerBlock.ChunkRows)
            {
                Range chunk = MixerBlock.Chunk(row, tile.Rows, channels);
                Span<float> noise = memory.Direction(l)[chunk];
                Draw(tile, layer.Index, pass, row, noise);
                Span<float> carried = tangent[chunk];
                if (l == 0)
                {
                    Activation.Mask(active[chunk], noise);
                    carried = noise;
                }
                else
                {
                    if (layer.OutputNorm > 0)
                    {
                        LayerNorm.JacobianProduct(values[chunk], tile.Activations.OutputReciprocal(l)[MixerBlock.Runs(chunk, layer.OutputNorm)], carried, carried, layer.OutputNorm);
                    }

                    Activation.PerturbTangent(active[chunk], noise, carried);
                }

                if (l == last)
                {
                    DifferentiateLoss(tile, memory, carried, chunk, row);
                }
                else
                {
                    NormalizeTangent(tile, l + 1, carried, memory.Input.Span[chunk], chunk);
                }
            }
        }
    }

    private void Draw(BlockTile tile, int layer, int pass, int row, Span<float> noise)
    {
        int patches = _model.Options.Patches, channels = _model.Options.Channels;
        while (!noise.IsEmpty)
        {
            int patch = row % patches;
            int rows = Math.Min(noise.Length / channels, patches - patch);
            RandomStream stream = new(_seed, RandomPurpose.Perturbation, tile.Step, (uint)pass, (uint)layer, (uint)(tile.FirstExample + (row / patches)));
            _perturbation.Draw(stream, patch * channels, noise[..(rows * channels)]);
            noise = noise[(rows * channels)..];
            row += rows;
        }
    }

    private static void NormalizeTangent(BlockTile tile, int l, ReadOnlySpan<float> tangent, Span<float> result, Range chunk)
    {
        int size = tile.Block.Layers[l].InputNorm;
        if (size > 0)
        {
            LayerNorm.JacobianProduct(tile.Inputs[l].Span[chunk], tile.Activations.InputReciprocal(l)[MixerBlock.Runs(chunk, size)], tangent, result, size);
        }
        else
        {
            tangent.CopyTo(result);
        }
    }

    // The tangent of the replicated loss in closed form (spec 3.4): g[n,p,g] = (1/P) sum over c of f'[n,p,g,c] q[n,g,c].
    private void DifferentiateLoss(BlockTile tile, TangentMemory memory, Span<float> tangent, Range chunk, int row)
    {
        LocalMixerOptions options = _model.Options;
        int size = tile.Block.FeatureNorm;
        if (size > 0)
        {
            LayerNorm.JacobianProduct(tile.Activations.Features[chunk], tile.Activations.FeatureReciprocal[MixerBlock.Runs(chunk, size)], tangent, tangent, size);
        }

        for (; !tangent.IsEmpty; tangent = tangent[options.Channels..], row++)
        {
            ReadOnlySpan<float> q = tile.FeatureGradient.Slice(row / options.Patches * options.Channels, options.Channels);
            Activation.InnerRuns(tangent[..options.Channels], q, 1f / (options.Patches * _passes), memory.GroupCredit.Span.Slice(row * options.Groups, options.Groups), options.ChannelsPerGroup);
        }
    }

    // Losses that are not told apart are added up: over the groups of a row, over the patches of an example.
    private void ShareCredit(BlockTile tile, TangentMemory memory)
    {
        int groups = _model.Options.Groups, patches = _model.Options.Patches;
        Span<float> byGroup = memory.GroupCredit.Span[..(tile.Rows * groups)];
        Span<float> byRow = memory.RowCredit.Span[..tile.Rows];
        if (!_scope.HasFlag(LossScope.Patch))
        {
            for (int n = 0; n < tile.Examples; n++)
            {
                Span<float> example = byGroup.Slice(n * patches * groups, patches * groups);
                for (int p = 1; p < patches; p++)
                {
                    TensorPrimitives.Add(example[..groups], example.Slice(p * groups, groups), example[..groups]);
                }

                for (int p = 1; p < patches; p++)
                {
                    example[..groups].CopyTo(example[(p * groups)..]);
                }
            }
        }

        for (int row = 0; row < tile.Rows; row++)
        {
            Span<float> credit = byGroup.Slice(row * groups, groups);
            byRow[row] = TensorPrimitives.Sum<float>(credit);
            if (!_scope.HasFlag(LossScope.Group))
            {
                credit.Fill(byRow[row]);
            }
        }
    }

    // Step 3. Noise on a token layer reaches every group of its patch; noise on the others, only its own group.
    private void AssignCredit(BlockTile tile, TangentMemory memory, int l, bool accumulate)
    {
        int channels = _model.Options.Channels, count = tile.Rows * channels;
        bool reachesAllGroups = tile.Block.Layers[l].ReachesAllGroups;
        ReadOnlySpan<float> credit = (reachesAllGroups ? memory.RowCredit : memory.GroupCredit).Span;
        int size = reachesAllGroups ? channels : _model.Options.ChannelsPerGroup;
        Activation.ScaleRuns(memory.Direction(l)[..count], credit[..(count / size)], tile.Gradient(l)[..count], size, accumulate);
    }

    // Step 4.
    private static void PassBackThroughNormalization(BlockTile tile, int l)
    {
        MixerLayer layer = tile.Block.Layers[l];
        if (layer.OutputNorm > 0)
        {
            int count = tile.Rows * layer.Map.Outputs;
            Span<float> gradient = tile.Gradient(l)[..count];
            LayerNorm.JacobianProduct(tile.Activations.Output(l)[..count], tile.Activations.OutputReciprocal(l)[..(count / layer.OutputNorm)], gradient, gradient, layer.OutputNorm);
        }
    }
}
