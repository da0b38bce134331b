using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;

namespace Onward.Rules;

/// <summary>
/// Predicts the gradients of one tile's activations through learned feedback, and records the values that the feedback is fitted to.
/// Each thread has an instance of its own.
/// </summary>
internal sealed class FeedbackPrediction
{
    // Below this limit, 1 / |f|^2 could overflow, and the error of the example is only rounding.
    private const float SmallestSquare = 1e-30f;

    private const int JointCaution = 4;

    private readonly LearnedFeedback _feedback;
    private readonly LossScope _scope;
    private readonly int _passes;
    private readonly Memory<float>[][] _predicted; // gradients of the activations of each layer [rows, outputs], of each tile
    private readonly Memory<float>[][] _weights; // 1 / |f|^2 of each layer [units], of each tile
    private readonly Memory<float> _error;
    private readonly Memory<float> _below;
    private readonly Memory<float> _ofGroup;
    private readonly Memory<float> _ofRow;
    private readonly float[] _ofExample;

    internal FeedbackPrediction(LocalMixer model, LearnedFeedback feedback, IReadOnlyList<BlockTile> tiles, LossScope scope, int passes)
    {
        (_feedback, _scope, _passes) = (feedback, scope, passes);
        int examples = tiles[0].Activations.Examples, own = tiles.Distinct().Count();
        int layers = model.Blocks.Max(block => block.Layers.Count);
        int groups = checked(examples * model.LargestGroups), widest = checked(examples * model.LargestOutput);
        _predicted = Allocate(l => checked(examples * model.LargestLayer(l, map => map.Outputs)));
        _weights = Allocate(_ => groups);
        _error = AlignedMemory.Allocate(scope == LossScope.Global ? widest : 0);
        _below = AlignedMemory.Allocate(scope == LossScope.Global ? widest : 0);
        _ofGroup = AlignedMemory.Allocate(groups);
        _ofRow = AlignedMemory.Allocate(examples * model.Blocks.Max(block => block.Patches));
        _ofExample = new float[examples];

        Memory<float>[][] Allocate(Func<int, int> length) =>
            [.. Enumerable.Range(0, own).Select(_ => Enumerable.Range(0, layers).Select(l => AlignedMemory.Allocate(length(l))).ToArray())];
    }

    internal long Bytes => sizeof(float)
        * (_predicted.Concat(_weights).Sum(tile => tile.Sum(m => (long)m.Length))
            + _error.Length + _below.Length + _ofGroup.Length + _ofRow.Length + _ofExample.Length);

    /// <summary>
    /// Predicts the gradients of activations, starting from the exact gradient of the layer before the loss: in one block, or in all
    /// blocks for the loss of the final head.
    /// </summary>
    internal void Predict(ReadOnlySpan<BlockTile> tiles)
    {
        if (_scope != LossScope.Global)
        {
            PassDown(tiles[0]);
            return;
        }

        BlockTile top = tiles[^1];
        Span<float> error = _error.Span;
        ReadOnlySpan<float> q = top.FeatureGradient[..(top.Examples * top.Block.Channels)];
        top.Spread(q, error[..(top.Rows * top.Block.Channels)]);
        Activation.InnerRuns(q, q, 1, _ofExample.AsSpan(0, top.Examples), top.Block.Channels);
        for (int k = tiles.Length - 1; k >= 0; k--)
        {
            BlockTile tile = tiles[k];
            int last = tile.Block.Layers.Count - 1;
            Span<float> output = error[..(tile.Rows * tile.Block.Channels)];
            Activation.Mask(tile.Result.Span, output);
            if (k < tiles.Length - 1)
            {
                output.CopyTo(Predicted(tile, last));
                tile.PassBackThroughNormalization(last, output);
                LeaveFeatures(tile, last);
            }

            PassDown(tile);
            if (k > 0)
            {
                Span<float> below = _below.Span[..(tile.Rows * tile.Block.Inputs)];
                PassBack(tile, 0, below);
                TangentSweep.ThroughInputNorm(tile, 0, below, below, ..below.Length);
                BackwardPass.LeaveForPrevious(tile, error, below);
            }
        }
    }

    /// <summary>
    /// Subtracts the part that the predictions explain from the derivatives of a block's local losses. Derivatives of losses that the
    /// scope does not separate have been added up before.
    /// </summary>
    internal void ExplainLocal(BlockTile tile, TangentMemory memory, int pass, Range layers)
    {
        MixerBlock block = tile.Block;
        Span<float> byGroup = _ofGroup.Span[..(tile.Rows * block.Groups)], byRow = _ofRow.Span[..tile.Rows];
        byGroup.Clear();
        byRow.Clear();
        for (int l = layers.Start.Value; l < layers.End.Value; l++)
        {
            bool all = block.Layers[l].ReachesAllGroups;
            ReadOnlySpan<float> predicted = Predicted(tile, l), noise = memory.Direction(tile, l)[..predicted.Length];
            int size = all ? block.Layers[l].Map.Outputs : block.ChannelsPerGroup;
            Activation.InnerRuns(predicted, noise, 1f / _passes, all ? byRow : byGroup, size);
        }

        TangentSweep.MergeCredit(_scope, tile, byGroup, byRow);
        TensorPrimitives.Subtract(memory.GroupCredit.Span[..byGroup.Length], byGroup, memory.GroupCredit.Span);
        TensorPrimitives.Subtract(memory.RowCredit.Span[..byRow.Length], byRow, memory.RowCredit.Span);
        if (!_feedback.IsFitting)
        {
            return;
        }

        int sites = layers.End.Value - layers.Start.Value, patches = _scope.HasFlag(LossScope.Patch) ? 1 : block.Patches;
        for (int l = layers.Start.Value; l < layers.End.Value; l++)
        {
            bool all = block.Layers[l].ReachesAllGroups;
            int share = Share(sites) * patches * (all || _scope.HasFlag(LossScope.Group) ? 1 : block.Groups);
            ReadOnlySpan<float> left = (all ? memory.RowCredit : memory.GroupCredit).Span, explained = all ? byRow : byGroup;
            FeedbackLayer above = _feedback.Of(block.Layers[l + 1])!;
            ReadOnlySpan<float> weights = Weights(tile, l + 1)[..above.UnitsOf(tile.Rows)];
            int units = weights.Length / tile.Examples;
            for (int n = 0; n < tile.Examples; n++)
            {
                float sum = 0, plain = 0;
                for (int unit = n * units; unit < (n + 1) * units; unit++)
                {
                    float derivative = left[unit] + explained[unit];
                    sum += weights[unit] * left[unit] * left[unit];
                    plain += weights[unit] * derivative * derivative;
                }

                AddNoise(above, tile, n, pass, sum / share, plain / share);
            }
        }
    }

    /// <summary>
    /// Subtracts the part that the predictions explain from the derivative of each example's loss of the final head, the credit of all
    /// noise of the example.
    /// </summary>
    internal void ExplainGlobal(ReadOnlySpan<BlockTile> tiles, TangentMemory memory, int pass, int[] noisyLayers)
    {
        BlockTile first = tiles[0];
        int noisy = 0;
        Array.Clear(_ofExample, 0, first.Examples);
        foreach (BlockTile tile in tiles)
        {
            for (int l = 0; l < noisyLayers[tile.Block.Index]; l++)
            {
                int length = tile.Block.Patches * tile.Block.Layers[l].Map.Outputs;
                ReadOnlySpan<float> predicted = Predicted(tile, l), noise = memory.Direction(tile, l);
                noisy++;
                for (int n = 0; n < tile.Examples; n++)
                {
                    _ofExample[n] += TensorPrimitives.Dot(predicted.Slice(n * length, length), noise.Slice(n * length, length)) / _passes;
                }
            }
        }

        Span<float> credit = memory.ExampleCredit.AsSpan(0, first.Examples);
        TensorPrimitives.Subtract(credit, _ofExample.AsSpan(0, first.Examples), credit);
        if (!_feedback.IsFitting)
        {
            return;
        }

        for (int k = 0; k < tiles.Length; k++)
        {
            for (int l = k == 0 ? 1 : 0; l < tiles[k].Block.Layers.Count; l++)
            {
                FeedbackLayer above = _feedback.Of(tiles[k].Block.Layers[l])!;
                ReadOnlySpan<float> weights = Weights(tiles[k], l)[..above.UnitsOf(tiles[k].Rows)];
                int units = weights.Length / first.Examples;
                for (int n = 0; n < first.Examples; n++)
                {
                    float left = credit[n], derivative = left + _ofExample[n], weight = weights[n * units] / Share(noisy);
                    AddNoise(above, tiles[k], n, pass, weight * left * left, weight * derivative * derivative);
                }
            }
        }
    }

    /// <summary>
    /// Completes a chunk of an estimate: adds the prediction to credit times noise, which <see cref="BlockTile.Gradient"/> holds.
    /// </summary>
    internal void Complete(BlockTile tile, int l, Range chunk)
    {
        Span<float> gradient = tile.Gradient(l)[chunk];
        TensorPrimitives.Add(gradient, Predicted(tile, l)[chunk], gradient);
    }

    /// <summary>
    /// Carries the difference between a layer's estimate and its prediction, credit times noise, to the input of the layer above, whose
    /// feedback is fitted to it.
    /// </summary>
    /// <param name="tile">The tile.</param>
    /// <param name="next">The tile in the next block, which holds the layer above if the layer is the last of its block.</param>
    /// <param name="l">The layer.</param>
    internal void LeaveResiduals(BlockTile tile, BlockTile? next, int l)
    {
        ReadOnlySpan<float> residual = tile.Gradient(l);
        BlockTile consumer = l + 1 < tile.Block.Layers.Count ? tile : next!;
        int place = consumer == tile ? l + 1 : 0;
        FeedbackLayer above = _feedback.Of(consumer.Block.Layers[place])!;
        Span<float> residuals = above.Residuals.Slice(consumer.WaveRow * above.Map.Inputs, consumer.Rows * above.Map.Inputs);
        if (consumer != tile && consumer.Block.InputPooling is not null)
        {
            consumer.Block.InputPooling.ApplyTangent(consumer.Previous.Span, residual, residuals);
            residual = residuals;
        }

        TangentSweep.ThroughInputNorm(consumer, place, residual, residuals, ..residuals.Length);
        ReadOnlySpan<float> weights = Weights(consumer, place)[..above.UnitsOf(consumer.Rows)];
        Activation.ScaleRuns(residuals, weights, residuals, above.UnitInputs, accumulate: false);
    }

    private void AddNoise(FeedbackLayer layer, BlockTile tile, int example, int pass, float left, float plain)
    {
        // The derivatives are already divided by the number of passes. This computes the mean of their squares.
        Span<float> noise = layer.Noise.Slice(2 * ((tile.WaveRow / tile.Block.Patches) + example), 2);
        noise[0] = (pass > 0 ? noise[0] : 0) + (left * _passes);
        noise[1] = (pass > 0 ? noise[1] : 0) + (plain * _passes);
    }

    private Span<float> Predicted(BlockTile tile, int l) =>
        _predicted[tile.Block.Index % _predicted.Length][l].Span[..(tile.Rows * tile.Block.Layers[l].Map.Outputs)];

    private Span<float> Weights(BlockTile tile, int l) => _weights[tile.Block.Index % _weights.Length][l].Span;

    // Predicts the gradients of the activations in a block, except the output of the last layer. Noise and estimates are 0 where units
    // are inactive, so the predictions there may be any numbers.
    private void PassDown(BlockTile tile)
    {
        for (int l = tile.Block.Layers.Count - 1; l > 0; l--)
        {
            Span<float> below = Predicted(tile, l - 1);
            PassBack(tile, l, below);
            bool goesOn = _feedback.Of(tile.Block.Layers[l - 1]) is not null;
            for (int row = 0; row < tile.Rows; row += MixerBlock.ChunkRows)
            {
                Range chunk = MixerBlock.Chunk(row, tile.Rows, tile.Block.Layers[l].Map.Inputs);
                TangentSweep.ThroughInputNorm(tile, l, below[chunk], below[chunk], chunk);
                if (goesOn)
                {
                    tile.PassBackThroughActivation(l - 1, chunk, below[chunk]);
                }
            }

            LeaveFeatures(tile, l - 1);
        }
    }

    // Carries the gradient of a layer's output back to the layer's input.
    private void PassBack(BlockTile tile, int l, Span<float> below)
    {
        MixerLayer layer = tile.Block.Layers[l];
        if (_feedback.IsFitting)
        {
            Weigh(tile, l);
        }

        layer.Map.ApplyTranspose(_feedback.Of(layer)!.Packed.Span, tile.Gradient(l), below, tile.Rows, tile.Activations.Workspace.Span);
    }

    // Records the prediction of the gradient of a layer's output, before the estimate overwrites it.
    private void LeaveFeatures(BlockTile tile, int l)
    {
        if (_feedback.IsFitting && _feedback.Of(tile.Block.Layers[l]) is FeedbackLayer layer)
        {
            tile.Pack(l, tile.Gradient(l), layer.Features);
        }
    }

    // f is the gradient of the layer's output times r of the normalisation before the layer: a change of B changes the prediction by
    // that factor.
    private void Weigh(BlockTile tile, int l)
    {
        FeedbackLayer layer = _feedback.Of(tile.Block.Layers[l])!;
        Span<float> weights = Weights(tile, l)[..layer.UnitsOf(tile.Rows)];
        if (_scope == LossScope.Global)
        {
            WeighExamples(weights, tile.Examples);
            return;
        }

        ReadOnlySpan<float> gradient = tile.Gradient(l), reciprocals = tile.Activations.InputReciprocal(l);
        Activation.InnerRuns(gradient, gradient, 1, weights, layer.UnitOutputs);
        int size = tile.Block.Layers[l].InputNorm, inputs = layer.UnitInputs;
        for (int unit = 0; unit < weights.Length && size > 0; unit++)
        {
            // The runs that hold the inputs of a unit: several runs, one run, or a part of a run.
            int run = (int)((long)unit * inputs / size), runs = Math.Max(1, inputs / size);
            weights[unit] *= TensorPrimitives.SumOfSquares(reciprocals.Slice(run, runs)) / runs;
        }

        // Units whose losses the scope does not separate share their noise, and so their weight.
        bool byPatch = !_scope.HasFlag(LossScope.Patch), byGroup = !_scope.HasFlag(LossScope.Group);
        TangentSweep.Share(weights, byPatch ? tile.Block.Patches : 1, layer.Map.Groups);
        TangentSweep.Share(weights, byGroup ? layer.Map.Groups : 1, 1);
        foreach (ref float weight in weights)
        {
            weight = Inverse(weight);
        }
    }

    // The loss of the final head has one derivative for all layers, with noise as large as the gradient of the example's loss.
    private void WeighExamples(Span<float> weights, int examples)
    {
        int units = weights.Length / examples;
        for (int n = 0; n < examples; n++)
        {
            weights.Slice(n * units, units).Fill(Inverse(_ofExample[n]));
        }
    }

    // All layers that are perturbed at once share the square of one derivative. It also holds the errors of the other layers, and errors
    // that no matrix of this layer can explain. So each layer takes only a part of its share, which keeps the effect of chance small.
    private static int Share(int layers) => layers == 1 ? 1 : JointCaution * layers;

    private static float Inverse(float square) => square > SmallestSquare ? 1 / square : 0;
}
