using Onward.Kernels;
using Onward.Models;
using Onward.Threads;

namespace Onward.Learning;

/// <summary>
/// The matrices that carry an error back through a network: the transposed weights (backprop), or fixed random ones
/// (feedback alignment).
/// </summary>
internal sealed class ErrorPath
{
    private readonly LocalMixer _model;
    private readonly Memory<float>[] _layers;
    private readonly Memory<float>[] _heads;
    private readonly (MixerLayer Layer, int Slice)[] _slices;
    private readonly LinearHead[] _modelHeads;
    private readonly Action<int, int> _load;
    private ParameterVector _source;

    internal ErrorPath(LocalMixer model)
    {
        _model = model;
        _source = model.Values;
        MixerLayer[] layers = [.. model.Blocks.SelectMany(block => block.Layers)];
        _layers = [.. layers.Select(layer => AlignedMemory.Allocate(layer.Map.PackedTransposeLength))];
        _modelHeads = [.. model.Blocks.Select(block => block.Head), model.FinalHead];
        _heads = [.. _modelHeads.Select(head => AlignedMemory.Allocate(Gemm.PackedLength(head.Outputs, head.Features)))];
        _slices = [.. layers.SelectMany(layer => Enumerable.Range(0, layer.Map.TransposingSlices).Select(slice => (layer, slice)))];
        _load = Load;
    }

    internal long Bytes => sizeof(float) * _layers.Concat(_heads).Sum(m => (long)m.Length);

    /// <summary>Takes the matrices from a vector laid out as the model's parameters.</summary>
    internal void Load(ParameterVector source, WorkerTeam team)
    {
        _source = source;
        team.Run(_slices.Length + _modelHeads.Length, _load);
    }

    internal ReadOnlySpan<float> Layer(MixerLayer layer) => _layers[layer.Index].Span;

    /// <summary>gradient [examples, D] = error [examples, K] times the matrix of a local head.</summary>
    internal void BackThroughHead(int block, ReadOnlySpan<float> error, Span<float> gradient, int examples) => Back(block, error, gradient, examples);

    /// <summary>gradient [examples, D] = error [examples, K] times the matrix of the final head.</summary>
    internal void BackThroughFinalHead(ReadOnlySpan<float> error, Span<float> gradient, int examples) => Back(_modelHeads.Length - 1, error, gradient, examples);

    private void Back(int head, ReadOnlySpan<float> error, Span<float> gradient, int examples)
    {
        LinearHead shape = _modelHeads[head];
        Gemm.MultiplyPacked(GemmLeft.Plain, examples, shape.Features, shape.Outputs, error, shape.Outputs, _heads[head].Span, shape.Outputs, 0, gradient, shape.Features, accumulate: false);
    }

    private void Load(int job, int worker)
    {
        if (job < _slices.Length)
        {
            (MixerLayer layer, int slice) = _slices[job];
            layer.Map.PackTranspose(slice, _source[layer.Weight], _layers[layer.Index].Span);
            return;
        }

        int index = job - _slices.Length;
        LinearHead head = _modelHeads[index];
        Gemm.Pack(_source[head.Weight], head.Outputs, transposed: true, head.Outputs, head.Features, _heads[index].Span, head.Outputs);
    }
}
