using Onward.Kernels;

namespace Onward.Models;

/// <summary>
/// The values that one block computed for one tile of examples, as its tangents and gradients need them. Rows are [example, patch].
/// </summary>
public sealed class BlockActivations
{
    private readonly Memory<float>[] _inputReciprocal;
    private readonly Memory<float>[] _output;
    private readonly Memory<float>[] _outputReciprocal;
    private readonly Memory<float> _features;
    private readonly Memory<float> _featureReciprocal;
    private readonly Memory<float> _pooled;

    /// <summary>Allocates memory for a tile of any block of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="examples">Examples that a tile may hold.</param>
    public BlockActivations(LocalMixer model, int examples)
    {
        ArgumentNullException.ThrowIfNull(model);
        Examples = examples;
        int layers = model.Blocks.Max(block => block.Layers.Count);
        int groups = checked(examples * model.LargestGroups);
        _inputReciprocal = [.. Enumerable.Range(0, layers).Select(_ => AlignedMemory.Allocate(groups))];
        _output =
        [
            .. Enumerable.Range(0, layers)
            .Select(l => AlignedMemory.Allocate(checked(examples * model.LargestLayer(l, layer => layer.Outputs)))),
        ];
        _outputReciprocal = [.. Enumerable.Range(0, layers).Select(_ => AlignedMemory.Allocate(groups))];
        _features = AlignedMemory.Allocate(checked(examples * model.LargestOutput));
        _featureReciprocal = AlignedMemory.Allocate(groups);
        _pooled = AlignedMemory.Allocate(examples * model.Blocks.Max(block => block.Channels));
        Workspace = AlignedMemory.Allocate(model.Blocks.Max(block => block.Layers.Max(layer => layer.Map.WorkspaceLength)));
    }

    /// <summary>Examples that the memory can hold.</summary>
    public int Examples { get; }

    internal Memory<float> Workspace { get; }

    /// <summary>Floats of all buffers.</summary>
    internal long Length =>
        _inputReciprocal.Concat(_output).Concat(_outputReciprocal).Sum(m => (long)m.Length)
            + _features.Length + _featureReciprocal.Length + _pooled.Length + Workspace.Length;

    /// <summary>r of the normalisation before a layer, one for each run of floats normalised together.</summary>
    internal Span<float> InputReciprocal(int layer) => _inputReciprocal[layer].Span;

    /// <summary>A layer's output after bias and normalisation, before residual and ReLU [rows, D].</summary>
    internal Span<float> Output(int layer) => _output[layer].Span;

    /// <summary>r of the normalisation after a layer.</summary>
    internal Span<float> OutputReciprocal(int layer) => _outputReciprocal[layer].Span;

    /// <summary>The features that the local head reads, before pooling [rows, D].</summary>
    internal Span<float> Features => _features.Span;

    /// <summary>r of the normalisation of the features.</summary>
    internal Span<float> FeatureReciprocal => _featureReciprocal.Span;

    /// <summary>The features' mean over the patches of each example [examples, D].</summary>
    internal Span<float> Pooled => _pooled.Span;
}
