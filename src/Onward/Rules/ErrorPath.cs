using Onward.Kernels;
using Onward.Models;
using Onward.Threads;

namespace Onward.Rules;

/// <summary>
/// The matrices that carry an error back through a network: the transposed weights (backpropagation), or fixed random matrices
/// (feedback alignment).
/// </summary>
internal sealed class ErrorPath
{
    private readonly Network _model;
    private readonly Memory<float>[] _layers;
    private readonly Memory<float>[] _heads;
    private readonly (int Block, NetworkLayer Layer, int Slice)[] _slices;
    private readonly LinearHead[] _modelHeads;
    private readonly Action<int, int> _load;
    private ParameterVector _source;
    private Range _loaded;

    internal ErrorPath(Network model)
    {
        _model = model;
        _source = model.Values;
        NetworkLayer[] layers = [.. model.Blocks.SelectMany(block => block.Layers)];
        _layers = [.. layers.Select(layer => AlignedMemory.Allocate(layer.Map.PackedTransposeLength))];
        _modelHeads = [.. model.Blocks.Select(block => block.Head), model.FinalHead];
        _heads = [.. _modelHeads.Select(head => AlignedMemory.Allocate(Gemm.PackedLength(head.Outputs, head.Features)))];
        _slices =
        [
            .. model.Blocks.SelectMany(
                block => block.Layers.SelectMany(
                    layer => Enumerable.Range(0, layer.Map.TransposingSlices).Select(slice => (block.Index, layer, slice)))),
        ];
        _load = Load;
    }

    internal long Bytes => sizeof(float) * _layers.Concat(_heads).Sum(m => (long)m.Length);

    /// <summary>Loads the matrices of all blocks from a vector with the layout of the model's parameters.</summary>
    internal void Load(ParameterVector source, WorkerTeam team) => Load(source, team, .._model.Blocks.Count);

    /// <summary>Loads the matrices of some blocks; the final head belongs to the last block.</summary>
    internal void Load(ParameterVector source, WorkerTeam team, Range blocks)
    {
        (_source, _loaded) = (source, blocks);
        team.Run(_slices.Length + _modelHeads.Length, _load);
    }

    internal ReadOnlySpan<float> Layer(NetworkLayer layer) => _layers[layer.Index].Span;

    /// <summary>gradient [examples, D] = error [examples, K] times the matrix of a local head.</summary>
    internal void BackThroughHead(int block, ReadOnlySpan<float> error, Span<float> gradient, int examples) =>
        Back(block, error, gradient, examples);

    /// <summary>gradient [examples, D] = error [examples, K] times the matrix of the final head.</summary>
    internal void BackThroughFinalHead(ReadOnlySpan<float> error, Span<float> gradient, int examples) =>
        Back(_modelHeads.Length - 1, error, gradient, examples);

    private void Back(int head, ReadOnlySpan<float> error, Span<float> gradient, int examples)
    {
        LinearHead shape = _modelHeads[head];
        Gemm.MultiplyPacked(
            new(error, examples, shape.Outputs),
            new(_heads[head].Span, shape.Outputs, shape.Features),
            gradient,
            shape.Features,
            accumulate: false);
    }

    private void Load(int job, int worker)
    {
        if (job < _slices.Length)
        {
            (int block, NetworkLayer layer, int slice) = _slices[job];
            if (IsLoaded(block))
            {
                layer.Map.PackTranspose(slice, _source.Read(layer.Weight), _layers[layer.Index].Span);
            }

            return;
        }

        int index = job - _slices.Length;
        LinearHead head = _modelHeads[index];
        if (IsLoaded(Math.Min(index, _model.Blocks.Count - 1)))
        {
            MatrixView weight = new(_source.Read(head.Weight), head.Features, head.Outputs);
            Gemm.Pack(weight.Transposed, _heads[index].Span, head.Outputs);
        }
    }

    private bool IsLoaded(int block) => block >= _loaded.Start.Value && block < _loaded.End.Value;
}
