using Onward.Kernels;
using Onward.Layers;
using Onward.Models;

namespace Onward.Engine;

/// <summary>Learns a slice of a parameter: so many numbers from one on, on the thread that computed their gradients.</summary>
internal delegate void SliceLearner(Parameter parameter, int start, int length, int worker);

/// <summary>
/// The weight gradients of a wave, taken in slices that threads share. What is final may be learnt at once, while the slice of the
/// gradient is in the cache: the step needs the slice's weights no more, as all tiles have gone through the layer and errors go back
/// through matrices that were packed for them.
/// </summary>
internal sealed class GradientSlices
{
    private readonly StepPlan _plan;
    private readonly LocalMixer _model;
    private readonly Wave _wave;
    private readonly ParameterVector _gradients;
    private readonly Memory<float>[] _workspace;

    internal GradientSlices(StepPlan plan, Wave wave, ParameterVector gradients)
    {
        (_plan, _model, _wave, _gradients) = (plan, plan.Model, wave, gradients);
        int workspace = _model.Blocks.Max(
            block => block.Layers.Max(layer => layer.Map.GradientWorkspaceLength(checked(wave.Examples * block.Patches))));
        _workspace = [.. Enumerable.Range(0, plan.Team.Count).Select(_ => AlignedMemory.Allocate(workspace))];
    }

    internal long Bytes => sizeof(float) * _workspace.Sum(room => (long)room.Length);

    /// <summary>Takes a slice of a layer's gradient.</summary>
    /// <param name="block">The block.</param>
    /// <param name="l">The layer's place in it.</param>
    /// <param name="slice">The slice.</param>
    /// <param name="worker">The thread that does.</param>
    /// <param name="examples">Examples in the wave.</param>
    /// <param name="accumulate">Whether to add to what earlier waves gave.</param>
    /// <param name="learns">Told what is final, to update it; null while nothing is.</param>
    internal void Take(int block, int l, int slice, int worker, int examples, bool accumulate, SliceLearner? learns)
    {
        long since = StepProfile.Begin(_plan.Profile);
        MixerLayer layer = _model.Blocks[block].Layers[l];
        WaveBlock memory = _wave.Blocks[block];
        int patches = _model.Blocks[block].Patches, rows = examples * patches;
        WeightSlice part = layer.Map.WeightOf(slice);
        ReadOnlySpan<float> upcoming = learns is not null
            && part.Pieces == 1 ? _model.Values[layer.Weight].Slice(part.Start, part.Length) : [];
        layer.Map.AccumulateGradient(
            slice,
            new(memory.Inputs[l].Span[..(rows * layer.Map.Inputs)], memory.PackedGradients[l].Span, rows, _wave.Examples * patches),
            new(_gradients[layer.Weight], _gradients[layer.Bias], accumulate),
            _workspace[worker].Span,
            upcoming);
        _plan.Profile?.Add(
            StepPhase.WeightGradients,
            worker,
            since,
            2.0 * rows * layer.Map.MultiplyAddsPerRow / layer.Map.Slices,
            sizeof(float) * ((rows * (double)(layer.Map.Inputs + layer.Map.Outputs)) + (2.0 * layer.Weight.Length)) / layer.Map.Slices);
        if (learns is null)
        {
            return;
        }

        for (int piece = 0; piece < part.Pieces; piece++)
        {
            learns(layer.Weight, part.Start + (piece * part.Stride), part.Length, worker);
        }

        (int start, int length) = layer.Map.BiasOf(slice).GetOffsetAndLength(layer.Bias.Length);
        if (length > 0)
        {
            learns(layer.Bias, start, length, worker);
        }

        since = StepProfile.Begin(_plan.Profile);
        layer.Pack(slice, _model.Values);
        _plan.Profile?.Add(StepPhase.PackWeights, worker, since, 0, 2.0 * sizeof(float) * part.Length * part.Pieces);
    }

    /// <summary>The room that a thread has for a product.</summary>
    internal Span<float> Workspace(int worker) => _workspace[worker].Span;

    /// <summary>Takes the gradient of the head after a block or, for the number of blocks, of the final one.</summary>
    internal void TakeHead(int block, int worker, int examples, bool accumulate, SliceLearner? learns)
    {
        long since = StepProfile.Begin(_plan.Profile);
        bool final = block == _model.Blocks.Count;
        LinearHead head = final ? _model.FinalHead : _model.Blocks[block].Head;
        head.AccumulateGradient(
            (final ? _wave.FinalFeatures : _wave.Blocks[block].Features).Span,
            (final ? _wave.FinalErrors : _wave.Blocks[block].Errors).Span,
            examples,
            accumulate,
            _gradients,
            _wave.Workspace.Span.Slice(block * _wave.HeadWorkspaceLength, _wave.HeadWorkspaceLength));
        _plan.Profile?.Add(StepPhase.WeightGradients, worker, since, 0, 0);
        learns?.Invoke(head.Weight, 0, head.Weight.Length, worker);
        learns?.Invoke(head.Bias, 0, head.Bias.Length, worker);
    }
}
