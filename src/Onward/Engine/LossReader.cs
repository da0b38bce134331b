using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;

namespace Onward.Engine;

/// <summary>
/// Evaluates the losses of a tile at the heads, and the gradients of the heads' outputs. A loss that compares the examples of a batch
/// is evaluated before, on the embeddings of the whole batch.
/// </summary>
internal sealed class LossReader
{
    private readonly Network _model;
    private readonly Wave _wave;
    private readonly ContrastiveLoss[] _comparisons;
    private readonly StepPlan _plan;
    private ReadOnlyMemory<int> _labels; // of this process's share
    private int _images; // of the whole batch

    internal LossReader(StepPlan plan, Wave wave)
    {
        _plan = plan;
        _model = plan.Model;
        _wave = wave;
        int comparisons = plan.ComparesExamples ? _model.Blocks.Count + 1 : 0;
        _comparisons =
        [
            .. Enumerable.Range(0, comparisons).Select(_ => new ContrastiveLoss(_model.Projection, plan.Loss.Temperature)),
        ];
    }

    /// <summary>
    /// Number of losses that compare examples: one for each block that this process trains and for the final head; 0 for classifiers.
    /// </summary>
    internal int Comparisons => OwnComparisons.End.Value - OwnComparisons.Start.Value;

    internal long Bytes => _comparisons.Sum(comparison => comparison.Bytes);

    /// <summary>Place of the wave's first example in the batch.</summary>
    internal int FirstOfWave { get; set; }

    // The comparison of the final head belongs to the last block.
    private Range OwnComparisons => _comparisons.Length == 0 ? 0..0
        : _plan.OwnBlocks.Start.Value..(_plan.OwnBlocks.End.Value == _model.Blocks.Count ? _comparisons.Length : _plan.OwnBlocks.End.Value);

    /// <summary>Begins a batch.</summary>
    /// <param name="labels">Labels of this process's share of the batch.</param>
    /// <param name="images">Images of the whole batch.</param>
    internal void Begin(ReadOnlyMemory<int> labels, int images)
    {
        (_labels, _images) = (labels, images);
        foreach (ContrastiveLoss comparison in _comparisons.AsSpan(OwnComparisons))
        {
            comparison.Reserve(_plan.Grid.Share, images, _plan.Views);
        }
    }

    /// <summary>Stores the embeddings of a tile's examples in its block, for the comparison.</summary>
    internal void Gather(BlockTile tile)
    {
        ReadOnlySpan<float> pooled = tile.Activations.Pooled[..(tile.Examples * tile.Block.Channels)];
        ContrastiveLoss comparison = _comparisons[tile.Block.Index];
        tile.Block.Head.Apply(_model.Values, pooled, Part(comparison, comparison.Compared, tile).Span, tile.Examples);
        if (tile.Block.Index == _model.Blocks.Count - 1)
        {
            ReadOnlySpan<float> features = PoolForFinalHead(tile).Span;
            _model.FinalHead.Apply(_model.Values, features, Part(_comparisons[^1], _comparisons[^1].Compared, tile).Span, tile.Examples);
        }
    }

    /// <summary>Exchanges embeddings with the processes of the other shares, after all tiles have stored theirs.</summary>
    internal void Exchange()
    {
        if (_plan.Grid.Share.Count == 1)
        {
            return;
        }

        foreach (ContrastiveLoss comparison in _comparisons.AsSpan(OwnComparisons))
        {
            comparison.Exchange(_plan.Grid);
        }
    }

    /// <summary>Evaluates one of the losses that compare examples, after the exchange.</summary>
    internal void Compare(int comparison) => _comparisons[OwnComparisons.Start.Value + comparison].Evaluate();

    /// <summary>Evaluates the local loss of one tile in one block.</summary>
    internal void EvaluateHead(BlockTile tile)
    {
        int k = tile.Block.Index, first = FirstRowOf(tile);
        WaveBlock memory = _wave.Blocks[k];
        ReadOnlySpan<float> pooled = tile.Activations.Pooled[..(tile.HeadRows * tile.Block.Channels)];
        pooled.CopyTo(memory.Features.Span[(first * tile.Block.Channels)..]);
        tile.Errors = memory.Errors.Slice(first * _model.HeadOutputs, tile.HeadRows * _model.HeadOutputs);
        Span<float> losses = memory.Losses.AsSpan(first, tile.HeadRows);
        if (_model.IsSelfSupervised)
        {
            TakeComparison(_comparisons[k], tile, tile.Errors.Span, losses, default);
            return;
        }

        Classify(tile.Block.Head, tile, pooled, tile.Errors.Span, losses, default);
    }

    /// <summary>Evaluates the loss of the final head on one tile in the last block.</summary>
    internal void EvaluateFinalHead(BlockTile tile)
    {
        int outputs = _model.HeadOutputs, first = FirstRowOf(tile);
        tile.FinalFeatures = PoolForFinalHead(tile);
        tile.FinalErrors = _wave.FinalErrors.Slice(first * outputs, tile.HeadRows * outputs);
        Span<float> losses = _wave.FinalLosses.AsSpan(first, tile.HeadRows);
        Span<bool> mistakes = _wave.Mistakes.AsSpan(first, tile.HeadRows);
        if (_model.IsSelfSupervised)
        {
            TakeComparison(_comparisons[^1], tile, tile.FinalErrors.Span, losses, mistakes);
            return;
        }

        Classify(_model.FinalHead, tile, tile.FinalFeatures.Span, tile.FinalErrors.Span, losses, mistakes);
    }

    private Memory<float> PoolForFinalHead(BlockTile tile)
    {
        int channels = tile.Block.Channels;
        Memory<float> features = _wave.FinalFeatures.Slice(FirstRowOf(tile) * channels, tile.HeadRows * channels);
        _model.PoolForFinalHead(tile.Result.Span, features.Span, tile.FinalReciprocal[..tile.HeadRows]);
        return features;
    }

    // The first of the wave's rows that heads read of a tile.
    private int FirstRowOf(BlockTile tile) => (tile.FirstExample - FirstOfWave) * _model.HeadRows;

    // The part of a comparison's numbers that belongs to a tile.
    private static Memory<float> Part(ContrastiveLoss comparison, Memory<float> all, BlockTile tile) =>
        all.Slice(tile.FirstExample * comparison.Width, tile.Examples * comparison.Width);

    private static void TakeComparison(ContrastiveLoss loss, BlockTile tile, Span<float> errors, Span<float> losses, Span<bool> mistakes)
    {
        Part(loss, loss.Gradients, tile).Span.CopyTo(errors);
        loss.Losses.AsSpan(tile.FirstExample, tile.Examples).CopyTo(losses);
        if (!mistakes.IsEmpty)
        {
            loss.Mistakes.AsSpan(tile.FirstExample, tile.Examples).CopyTo(mistakes);
        }
    }

    // The losses, and the gradient of their mean over the batch with respect to the logits.
    private void Classify(
        LinearHead head, BlockTile tile, ReadOnlySpan<float> features, Span<float> errors, Span<float> losses, Span<bool> mistakes)
    {
        int rows = tile.HeadRows;
        Span<float> logits = tile.Outputs.Span[..(rows * head.Outputs)];
        ReadOnlySpan<int> labels = _labels.Span.Slice(tile.FirstExample * _model.HeadRows, rows);
        head.Apply(_model.Values, features, logits, rows);
        for (int n = 0; n < rows; n++)
        {
            Span<float> row = logits.Slice(n * head.Outputs, head.Outputs);
            losses[n] = SoftmaxCrossEntropy.Evaluate(row, labels[n], errors.Slice(n * head.Outputs, head.Outputs));
            if (!mistakes.IsEmpty)
            {
                mistakes[n] = TensorPrimitives.IndexOfMax(row) != labels[n];
            }
        }

        TensorPrimitives.Multiply(errors, 1f / (_images * _plan.Views * _model.HeadRows), errors);
    }
}
