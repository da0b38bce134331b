using Onward.Kernels;

namespace Onward.Models;

/// <summary>
/// The values that one block computed for one tile of examples, as its tangents and gradients need them. A slot holds one value of the
/// block: its input, its output, the input of an affine layer, or a value that a derivative needs.
/// </summary>
public sealed class BlockActivations
{
    private readonly Memory<float>[] _slots;
    private readonly Memory<float>[] _states;
    private readonly Memory<float> _features;
    private readonly Memory<float> _featureReciprocal;
    private readonly Memory<float> _pooled;
    private readonly int _firstOwn;

    /// <summary>Allocates memory for a tile of any block of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="examples">Examples that a tile may hold.</param>
    public BlockActivations(Network network, int examples)
    {
        ArgumentNullException.ThrowIfNull(network);
        Examples = examples;
        _firstOwn = BlockPlan.FirstOwn(network.MostLayers);
        BlockPlan[] plans = [.. network.Blocks.Select(block => block.Plan)];
        _slots = [.. new Memory<float>[_firstOwn], .. Allocate(plan => plan.OwnLengths)];
        _states = Allocate(plan => plan.StateLengths);
        _features = AlignedMemory.Allocate(checked(examples * network.LargestOutput));
        _featureReciprocal = AlignedMemory.Allocate(checked(examples * network.LargestGroups));
        _pooled = AlignedMemory.Allocate(examples * network.Blocks.Max(block => block.Channels));
        Workspace = AlignedMemory.Allocate(
            network.Blocks.Max(block => block.Layers.Select(layer => layer.Map.WorkspaceLength).DefaultIfEmpty().Max()));

        Memory<float>[] Allocate(Func<BlockPlan, IReadOnlyList<int>> lengths) =>
        [
            .. Enumerable.Range(0, plans.Max(plan => lengths(plan).Count)).Select(
                i => AlignedMemory.Allocate(
                    checked(examples * plans.Max(plan => i < lengths(plan).Count ? lengths(plan)[i] : 0)))),
        ];
    }

    /// <summary>Examples that the memory can hold.</summary>
    public int Examples { get; }

    internal Memory<float> Workspace { get; }

    /// <summary>Floats of all buffers, apart from slots that others provide.</summary>
    internal long Length =>
        _slots[_firstOwn..].Concat(_states).Sum(m => (long)m.Length)
            + _features.Length + _featureReciprocal.Length + _pooled.Length + Workspace.Length;

    /// <summary>The block's input, which the caller provides; nothing writes to it.</summary>
    internal Memory<float> Source
    {
        get => _slots[BlockPlan.Source];
        set => _slots[BlockPlan.Source] = value;
    }

    /// <summary>The block's output, which the caller provides.</summary>
    internal Memory<float> Result
    {
        get => _slots[BlockPlan.Result];
        set => _slots[BlockPlan.Result] = value;
    }

    /// <summary>The inputs of the affine layers, which the caller provides.</summary>
    internal Span<Memory<float>> Inputs => _slots.AsSpan(BlockPlan.FirstInput.._firstOwn);

    /// <summary>The features that the local head reads, before pooling [rows, D].</summary>
    internal Span<float> Features => _features.Span;

    /// <summary>r of the normalisation of the features.</summary>
    internal Span<float> FeatureReciprocal => _featureReciprocal.Span;

    /// <summary>The features' mean over the positions of each example [examples, D].</summary>
    internal Span<float> Pooled => _pooled.Span;

    internal Memory<float> Slot(int slot) => _slots[slot];

    internal Memory<float> State(int state) => _states[state];
}
