using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
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
    private readonly BackwardPass? _back; // carries the global loss through the blocks
    private readonly Memory<float> _ofGroup;
    private readonly Memory<float> _ofRow;
    private readonly float[] _ofExample;

    internal FeedbackPrediction(Network model, LearnedFeedback feedback, IReadOnlyList<BlockTile> tiles, LossScope scope, int passes)
    {
        (_feedback, _scope, _passes) = (feedback, scope, passes);
        int examples = tiles[0].Activations.Examples, own = tiles.Distinct().Count();
        int layers = model.Blocks.Max(block => block.Layers.Count);
        int groups = checked(examples * model.LargestGroups);
        _predicted = Allocate(l => checked(examples * model.LargestProduct(l)));
        _weights = Allocate(_ => groups);
        _back = scope == LossScope.Global ? new BackwardPass(model, path: null, examples) : null;
        _ofGroup = AlignedMemory.Allocate(groups);
        _ofRow = AlignedMemory.Allocate(examples * model.Blocks.Max(block => block.Patches));
        _ofExample = new float[examples];

        Memory<float>[][] Allocate(Func<int, int> length) =>
            [.. Enumerable.Range(0, own).Select(_ => Enumerable.Range(0, layers).Select(l => AlignedMemory.Allocate(length(l))).ToArray())];
    }

    internal long Bytes => sizeof(float)
        * (_predicted.Concat(_weights).Sum(tile => tile.Sum(m => (long)m.Length))
            + _ofGroup.Length + _ofRow.Length + _ofExample.Length) + (_back?.Bytes ?? 0);

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
        ReadOnlySpan<float> q = top.FeatureGradient[..(top.HeadRows * top.Block.Channels)];
        top.Spread(q, _back!.Output(top));
        Activation.InnerRuns(q, q, 1, _ofExample.AsSpan(0, top.Examples), top.Block.Channels);
        for (int k = tiles.Length - 1; k >= 0; k--)
        {
            BlockTile tile = tiles[k];
            EnterFromNext(tile, isTop: k == tiles.Length - 1);
            PassDown(tile);
            if (k > 0)
            {
                PassBack(tile, 0, _back.Entry(tile));
                _back.LeaveForPrevious(tile);
            }
        }
    }

    /// <summary>
    /// Subtracts the part that the predictions explain from the derivatives of a block's local losses. Derivatives of losses that the
    /// scope does not separate have been added up before.
    /// </summary>
    internal void ExplainLocal(BlockTile tile, TangentMemory memory, int pass, Range layers)
    {
        NetworkBlock block = tile.Block;
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

        int sites = layers.End.Value - layers.Start.Value, patches = _scope.Has(LossScope.Patch) ? 1 : block.Patches;
        for (int l = layers.Start.Value; l < layers.End.Value; l++)
        {
            bool all = block.Layers[l].ReachesAllGroups;
            int share = Share(sites) * patches * (all || _scope.Has(LossScope.Group) ? 1 : block.Groups);
            ReadOnlySpan<float> left = (all ? memory.RowCredit : memory.GroupCredit).Span, explained = all ? byRow : byGroup;
            FeedbackLayer above = _feedback.Of(block.Layers[l + 1])!;
            ReadOnlySpan<float> weights = Weights(tile, l + 1)[..above.UnitsOf(RowsOf(tile, l + 1))];
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
                    _ofExample[n] += Reduction.Dot(predicted.Slice(n * length, length), noise.Slice(n * length, length)) / _passes;
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
                ReadOnlySpan<float> weights = Weights(tiles[k], l)[..above.UnitsOf(RowsOf(tiles[k], l))];
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
    /// Completes some rows of an estimate: adds the prediction to credit times noise, which <see cref="BlockTile.Gradient"/> holds, and
    /// carries the sum back to the layer's output.
    /// </summary>
    internal void Complete(BlockTile tile, int l, int row, int rows)
    {
        Span<float> gradient = tile.GradientRows(l, row, rows);
        int width = tile.Block.Layers[l].Map.Outputs;
        TensorPrimitives.Add(gradient, Predicted(tile, l).Slice(row * width, rows * width), gradient);
        tile.PassBack(l, tile.Block.Plan.SectionOf(l).BackwardToSite, row, rows, gradient);
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
        BlockTile consumer = l + 1 < tile.Block.Layers.Count ? tile : next!;
        int place = consumer == tile ? l + 1 : 0;
        FeedbackLayer above = _feedback.Of(consumer.Block.Layers[place])!;
        int length = consumer.Examples * consumer.Block.Plan.SectionOf(place).InputShape.Length;
        Span<float> residuals = above.Residuals.Slice(consumer.WaveExample * (length / consumer.Examples), length);
        TangentSweep.CarryToNextLayer(tile, l, tile.Gradient(l), consumer, residuals);
        ReadOnlySpan<float> weights = Weights(consumer, place)[..above.UnitsOf(length / above.Map.Inputs)];
        Activation.ScaleRuns(residuals, weights, residuals, above.UnitInputs, accumulate: false);
    }

    private void AddNoise(FeedbackLayer layer, BlockTile tile, int example, int pass, float left, float plain)
    {
        // The derivatives are already divided by the number of passes. This computes the mean of their squares.
        Span<float> noise = layer.Noise.Slice(2 * (tile.WaveExample + example), 2);
        noise[0] = (pass > 0 ? noise[0] : 0) + (left * _passes);
        noise[1] = (pass > 0 ? noise[1] : 0) + (plain * _passes);
    }

    private static int RowsOf(BlockTile tile, int l) => tile.Examples * tile.Block.Layers[l].Positions;

    private Span<float> Predicted(BlockTile tile, int l) =>
        _predicted[tile.Block.Index % _predicted.Length][l].Span[..tile.Gradient(l).Length];

    private Span<float> Weights(BlockTile tile, int l) => _weights[tile.Block.Index % _weights.Length][l].Span;

    // Predicts the gradient at the noise site of a block's last layer, from the gradient of the block's output, and goes on to the layer's
    // output. In the last block, the latter is exact. The gradient of a residual's input is the gradient at the residual's end.
    private void EnterFromNext(BlockTile tile, bool isTop)
    {
        NetworkLayer last = tile.Block.Layers[^1];
        Section section = tile.Block.Plan.SectionOf(last.Place);
        int width = last.Map.Outputs, ends = Array.FindIndex(section.Backward, static step => step is AddStep);
        int stop = Math.Max(ends, section.BackwardToSite);
        Span<float> error = _back!.Output(tile);
        for (int row = 0; row < tile.Rows; row += Section.ChunkRows)
        {
            int rows = Math.Min(Section.ChunkRows, tile.Rows - row);
            Span<float> current = error.Slice(row * width, rows * width);
            Span<float> predicted = Predicted(tile, last.Place).Slice(row * width, rows * width);
            for (int i = 0; i <= stop; i++)
            {
                if (i == section.BackwardToSite && !isTop && current != predicted)
                {
                    current.CopyTo(predicted);
                }

                if (i < stop && section.Backward[i] is DerivableStep step)
                {
                    Span<float> to = ends >= 0 && i > ends ? predicted : current;
                    step.ApplyTranspose(tile.Activations, row, rows, current, to);
                    current = to;
                }
            }

            if (!isTop)
            {
                tile.PassBack(last.Place, stop, row, rows, current);
            }
        }

        if (ends >= 0)
        {
            _back.LeaveInError(((AddStep)section.Backward[ends]).Residual);
        }

        if (!isTop)
        {
            LeaveFeatures(tile, last.Place);
        }
    }

    // Predicts the gradients at the noise sites in a block, except that of the last layer. Noise and estimates are 0 where units are
    // inactive, so the predictions there may be any numbers.
    private void PassDown(BlockTile tile)
    {
        for (int l = tile.Block.Layers.Count - 1; l > 0; l--)
        {
            Span<float> below = Predicted(tile, l - 1);
            PassBack(tile, l, below);
            Section section = tile.Block.Plan.SectionOf(l - 1);
            bool goesOn = _feedback.Of(tile.Block.Layers[l - 1]) is not null;
            int count = tile.Examples * section.Shape.Positions, width = section.Shape.Channels;
            for (int row = 0; row < count; row += Section.ChunkRows)
            {
                int rows = Math.Min(Section.ChunkRows, count - row);
                Span<float> chunk = below.Slice(row * width, rows * width);
                for (int i = 0; i < section.BackwardToSite; i++)
                {
                    (section.Backward[i] as DerivableStep)?.ApplyTranspose(tile.Activations, row, rows, chunk, chunk);
                }

                if (goesOn)
                {
                    tile.PassBack(l - 1, section.BackwardToSite, row, rows, chunk);
                }
            }

            LeaveFeatures(tile, l - 1);
        }
    }

    // Carries the gradient of a layer's output back to the layer's input.
    private void PassBack(BlockTile tile, int l, Span<float> below)
    {
        NetworkLayer layer = tile.Block.Layers[l];
        if (_feedback.IsFitting)
        {
            Weigh(tile, l);
        }

        layer.Map.ApplyTranspose(
            _feedback.Of(layer)!.Packed.Span,
            tile.Gradient(l),
            below,
            tile.Examples * layer.Positions,
            tile.Activations.Workspace.Span);
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
        Span<float> weights = Weights(tile, l)[..layer.UnitsOf(RowsOf(tile, l))];
        if (_scope == LossScope.Global)
        {
            WeighExamples(weights, tile.Examples);
            return;
        }

        ReadOnlySpan<float> gradient = tile.Gradient(l), reciprocals = [];
        Activation.InnerRuns(gradient, gradient, 1, weights, layer.UnitOutputs);
        int size = 0, inputs = layer.UnitInputs;
        Section before = tile.Block.Plan.Sections[tile.Block.Plan.SectionOf(l).Place - 1];
        if (before.Steps is [.., RowStep { Layer: LayerNorm norm } step])
        {
            size = norm.Size;
            reciprocals = step.State(tile.Activations, 0, RowsOf(tile, l));
        }

        for (int unit = 0; unit < weights.Length && size > 0; unit++)
        {
            // The runs that hold the inputs of a unit: several runs, one run, or a part of a run.
            int run = (int)((long)unit * inputs / size), runs = Math.Max(1, inputs / size);
            weights[unit] *= Reduction.SumOfSquares(reciprocals.Slice(run, runs)) / runs;
        }

        // Units whose losses the scope does not separate share their noise, and so their weight.
        bool byPatch = !_scope.Has(LossScope.Patch), byGroup = !_scope.Has(LossScope.Group);
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
