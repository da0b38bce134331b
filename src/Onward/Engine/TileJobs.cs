using System.Runtime.InteropServices;
using Onward.Models;

namespace Onward.Engine;

/// <summary>
/// Takes the tiles of a wave through the blocks of a stage, each tile on one thread: values, losses, and the gradients of the
/// layers' outputs.
/// </summary>
internal sealed class TileJobs
{
    // Rows that share one pass over a block's weights.
    private const int TileRows = 64;
    private const int SmallestTileRows = 16;

    private readonly StepPlan _plan;
    private readonly TilePart _rule;
    private readonly Network _model;
    private readonly Wave _wave;
    private readonly LossReader _losses;
    private readonly BlockWork[] _work;
    private readonly int _tileExamples;

    private TilePart _computeValues;
    private TilePart _evaluateLosses;
    private TilePart _differentiate;

    // The batch under way.
    private ReadOnlyMemory<float> _pixels;
    private int _batch;
    private int _firstImage;
    private uint _step;

    // The wave under way.
    private Memory<float> _arrived;
    private int _perTile;

    /// <summary>Allocates the tiles of each thread.</summary>
    /// <param name="plan">The plan of the steps.</param>
    /// <param name="rule">Computes the output gradients of the layers, by the learning rule.</param>
    /// <param name="wave">The memory of a wave.</param>
    /// <param name="losses">Evaluates the losses.</param>
    internal TileJobs(StepPlan plan, TilePart rule, Wave wave, LossReader losses)
    {
        (_plan, _rule, _model, _wave, _losses) = (plan, rule, plan.Model, wave, losses);
        _work = [.. _model.Blocks.Select(BlockWork.Of)];
        _tileExamples = Math.Clamp(TileRows / _model.MostRows, 1, wave.Examples);
        Tiles = [.. Enumerable.Range(0, plan.Team.Count).Select(CreateTiles)];
        Stages = new StagePlan(plan);
        (_computeValues, _evaluateLosses, _differentiate) = (ComputeValues, EvaluateLosses, Differentiate);
    }

    /// <summary>The tiles that each thread works on, one for each block. Blocks that share memory share one tile.</summary>
    internal BlockTile[][] Tiles { get; }

    /// <summary>The stages of a wave.</summary>
    internal StagePlan Stages { get; }

    /// <summary>The stage under way.</summary>
    internal int Stage { get; set; }

    /// <summary>The place of the wave's first example in this process's share of the batch.</summary>
    internal int First { get; private set; }

    /// <summary>Examples in the wave.</summary>
    internal int Examples { get; private set; }

    /// <summary>Tiles in the wave.</summary>
    internal int Count => (Examples + _perTile - 1) / _perTile;

    /// <summary>True if the batch ends with the wave.</summary>
    internal bool IsLastWave => First + Examples >= _batch;

    internal long Length => Tiles.Sum(tiles => tiles.Distinct().Sum(tile => tile.Length));

    /// <summary>Measures the phases from now on, or stops measuring if there is no profile.</summary>
    internal void Measure(StepProfile? profile)
    {
        _computeValues = profile?.Around(
            StepPhase.Values, ComputeValues, tile => _work[tile.Block.Index].Values(tile.Examples)) ?? ComputeValues;
        _evaluateLosses = profile?.Around(StepPhase.Losses, EvaluateLosses, _ => default) ?? EvaluateLosses;
        _differentiate = profile?.Around(
            StepPhase.Differentiation, Differentiate, tile => _work[tile.Block.Index].Differentiation(tile.Examples)) ?? Differentiate;
        foreach (BlockTile tile in Tiles.SelectMany(tiles => tiles))
        {
            tile.Measure(profile);
        }
    }

    /// <summary>Begins a batch.</summary>
    /// <param name="pixels">Images of this process's share.</param>
    /// <param name="batch">Examples in the share.</param>
    /// <param name="firstImage">Place of the share's first image in the batch.</param>
    /// <param name="step">The step's number.</param>
    internal void BeginBatch(ReadOnlyMemory<float> pixels, int batch, int firstImage, uint step) =>
        (_pixels, _batch, _firstImage, _step) = (pixels, batch, firstImage, step);

    /// <summary>Begins a wave.</summary>
    /// <param name="first">Place of its first example in the share.</param>
    /// <param name="arrived">Activations that came from the pipeline stage before; empty in the first.</param>
    internal void BeginWave(int first, Memory<float> arrived)
    {
        (First, _arrived) = (first, arrived);
        Examples = Math.Min(_wave.Examples, _batch - first);

        // Two tiles a thread where examples are small, so that a thread that is held up does not hold up the rest. But no tile
        // is so small that it wastes its pass over the weights.
        int share = (Examples + (2 * _plan.Team.Count) - 1) / (2 * _plan.Team.Count);
        _perTile = Math.Clamp(share, Math.Max(1, SmallestTileRows / _model.MostRows), _tileExamples);
    }

    /// <summary>Takes one tile through the stage.</summary>
    internal void Run(int job, int worker)
    {
        BlockTile[] tiles = Tiles[worker];
        if (_plan.Locality == Locality.NetworkRecomputed && Stage == 0)
        {
            for (int k = 0; k < _model.Blocks.Count - 1; k++)
            {
                Forward(tiles, k, job, learns: false);
            }

            return;
        }

        (int first, int end) = Stages.BlocksOf(Stage);
        for (int k = first; k < end; k++)
        {
            Forward(tiles, k, job, learns: true);
        }

        // The loss of a frozen block is still reported.
        _evaluateLosses(tiles.AsSpan(first, end - first));
        if (_plan.Locality != Locality.Block || !_plan.Frozen[first])
        {
            _differentiate(tiles.AsSpan(first, end - first));
        }
    }

    /// <summary>Computes the values of one tile in all blocks and gathers the embeddings by which its examples are compared.</summary>
    internal void Gather(int job, int worker)
    {
        for (int k = Stages.First; k < Stages.End; k++)
        {
            Forward(Tiles[worker], k, job, learns: false);
            _losses.Gather(Tiles[worker][k]);
        }
    }

    private void Forward(BlockTile[] tiles, int k, int job, bool learns)
    {
        Attach(tiles[k], k, job * _perTile, learns);
        _computeValues(tiles.AsSpan(k, 1));
    }

    // The wave keeps the inputs of layers only if the block learns from them. Otherwise tiles may be in different blocks at the
    // same time, and would overwrite one another's inputs there.
    private void Attach(BlockTile tile, int k, int example, bool learns)
    {
        WaveBlock memory = _wave.Blocks[k];
        NetworkBlock block = tile.Block = _model.Blocks[k];
        tile.Examples = Math.Min(_perTile, Examples - example);
        tile.Rows = tile.Examples * block.Patches;
        tile.FirstExample = First + example;
        tile.Step = _step;
        tile.Images = _batch / _plan.Views;
        tile.FirstImage = _firstImage;
        tile.Activations.Draws = new(_plan.Seed, _step, k, tile.FirstExample, tile.Images, _firstImage);
        tile.Attach(memory.PackedGradients, example, _wave.Examples);
        for (int l = 0; l < block.Layers.Count; l++)
        {
            int length = block.Plan.SectionOf(l).InputShape.Length;
            tile.Activations.Inputs[l] = learns
                ? memory.Inputs[l].Slice(example * length, tile.Examples * length)
                : tile.PassingInputs[l][..(tile.Examples * length)];
        }

        int output = example * _wave.OutputLength;
        tile.Activations.Result = memory.Result.Slice(output, tile.Rows * block.Channels);
        tile.Activations.Source = k == 0 ? Images(tile)
            : (k == Stages.First ? _arrived : _wave.Blocks[k - 1].Result).Slice(output, tile.Examples * block.Input.Length);
        tile.OutputGradient = _wave.OutputGradient.IsEmpty
            ? default
            : _wave.OutputGradient.Slice(output, tile.Examples * _wave.OutputLength);
    }

    private void ComputeValues(ReadOnlySpan<BlockTile> tiles)
    {
        foreach (BlockTile tile in tiles)
        {
            tile.Block.Forward(_model.Values, tile.Activations, tile.Examples);
        }
    }

    // Nothing writes to the input of a block.
    private Memory<float> Images(BlockTile tile)
    {
        int image = _model.Input.Length;
        return MemoryMarshal.AsMemory(_pixels.Slice(tile.FirstExample * image, tile.Examples * image));
    }

    private void EvaluateLosses(ReadOnlySpan<BlockTile> tiles)
    {
        foreach (BlockTile tile in tiles)
        {
            _losses.EvaluateHead(tile);
        }

        if (tiles[^1].Block.Index == _model.Blocks.Count - 1)
        {
            _losses.EvaluateFinalHead(tiles[^1]);
        }
    }

    // A rule may have packed some of the gradients itself, while they were in the cache.
    private void Differentiate(ReadOnlySpan<BlockTile> tiles)
    {
        _rule(tiles);
        foreach (BlockTile tile in tiles)
        {
            bool packs = _plan.LeavesOutputGradients && !_plan.Frozen[tile.Block.Index];
            for (int l = 0; packs && l < tile.Block.Layers.Count; l++)
            {
                tile.PackGradient(l);
            }
        }
    }

    private BlockTile[] CreateTiles(int worker)
    {
        bool passesThrough = _plan.Locality == Locality.NetworkRecomputed || _plan.ComparesExamples;
        if (_plan.Locality == Locality.Network)
        {
            return [.. _model.Blocks.Select(_ => new BlockTile(_model, _tileExamples, worker, passesThrough))];
        }

        BlockTile shared = new(_model, _tileExamples, worker, passesThrough);
        return [.. _model.Blocks.Select(_ => shared)];
    }
}
