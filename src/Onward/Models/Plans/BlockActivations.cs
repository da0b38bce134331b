using Onward.Kernels;

namespace Onward.Models;

/// <summary>
/// The values that one block computed for one tile of examples, as its tangents and gradients need them. A slot holds one value of the
/// block: its input, its output, the input of an affine layer, or a value that a derivative needs.
/// </summary>
public sealed class BlockActivations
{
    /// <summary>The slot of the input of the block's first affine layer; the inputs of further ones follow.</summary>
    internal const int FirstInput = 2;

    /// <summary>The slot of the block's output.</summary>
    internal const int OutputSlot = 1;

    private const int InputSlot = 0;

    private readonly Memory<float>[] _slots;
    private readonly Memory<float>[] _states;
    private readonly Memory<float> _features;
    private readonly Memory<float> _featureReciprocal;
    private readonly Memory<float> _pooled;
    private readonly int _firstOwn;

    internal BlockActivations(ActivationLengths lengths, int examples)
    {
        Examples = examples;
        _firstOwn = FirstOwn(lengths.Layers);
        _slots = [.. new Memory<float>[_firstOwn], .. lengths.Own.Select(Allocate)];
        _states = [.. lengths.States.Select(Allocate)];
        (_features, _featureReciprocal) = (Allocate(lengths.Output), Allocate(lengths.FeatureNorms));
        _pooled = Allocate(lengths.Channels);
        Workspace = AlignedMemory.Allocate(lengths.Workspace);

        Memory<float> Allocate(int length) => AlignedMemory.Allocate(checked(examples * length));
    }

    /// <summary>Examples that the memory can hold.</summary>
    public int Examples { get; }

    internal Memory<float> Workspace { get; }

    /// <summary>The examples as dropout names them; null for a prediction, which drops nothing.</summary>
    internal TrainingDraws? Draws { get; set; }

    /// <summary>Floats of all buffers, apart from slots that others provide.</summary>
    internal long Length =>
        _slots[_firstOwn..].Concat(_states).Sum(m => (long)m.Length)
            + _features.Length + _featureReciprocal.Length + _pooled.Length + Workspace.Length;

    /// <summary>The block's input, which the caller provides; nothing writes to it.</summary>
    internal Memory<float> Source
    {
        get => _slots[InputSlot];
        set => _slots[InputSlot] = value;
    }

    /// <summary>The block's output, which the caller provides.</summary>
    internal Memory<float> Result
    {
        get => _slots[OutputSlot];
        set => _slots[OutputSlot] = value;
    }

    /// <summary>The inputs of the affine layers, which the caller provides.</summary>
    internal Span<Memory<float>> Inputs => _slots.AsSpan(FirstInput.._firstOwn);

    /// <summary>The features that the local head reads, before pooling [rows, D].</summary>
    internal Span<float> Features => _features.Span;

    /// <summary>r of the normalisation of the features.</summary>
    internal Span<float> FeatureReciprocal => _featureReciprocal.Span;

    /// <summary>The features' mean over the positions of each example [examples, D].</summary>
    internal Span<float> Pooled => _pooled.Span;

    /// <summary>The first slot that the tile itself provides.</summary>
    /// <param name="layers">The largest number of affine layers of any block.</param>
    internal static int FirstOwn(int layers) => FirstInput + layers;

    internal Memory<float> Slot(int slot) => _slots[slot];

    internal Memory<float> State(int state) => _states[state];
}

/// <summary>The examples of a tile as random draws of training name them.</summary>
/// <param name="Seed">The seed of the draws.</param>
/// <param name="Step">The number of the step.</param>
/// <param name="Block">The block.</param>
/// <param name="FirstExample">The place of the tile's first example in the share of the batch.</param>
/// <param name="Images">Images of the share; further examples are second views of them.</param>
/// <param name="FirstImage">The place of the share's first image in the batch.</param>
internal readonly record struct TrainingDraws(ulong Seed, uint Step, int Block, int FirstExample, int Images, int FirstImage)
{
    /// <summary>The stream of an example at a dropout layer of the block. Both views of an image have their own.</summary>
    internal RandomStream StreamOf(int example, int layer)
    {
        (int view, int image) = Math.DivRem(FirstExample + example, Images);
        return new(Seed, RandomPurpose.Dropout, Step, (uint)layer, (uint)Block, (uint)((2 * (FirstImage + image)) + view));
    }
}

/// <summary>The memory that the values of any block of a network need, in floats of an example.</summary>
/// <param name="Layers">The largest number of affine layers of any block.</param>
/// <param name="Own">The length of each slot that the tile itself provides.</param>
/// <param name="States">The length of the state of each row layer.</param>
/// <param name="Output">The length of the largest output.</param>
/// <param name="FeatureNorms">The largest number of runs that are normalised before a local head.</param>
/// <param name="Channels">The largest number of channels of an output.</param>
/// <param name="Workspace">Floats of workspace for any number of examples.</param>
internal sealed record ActivationLengths(
    int Layers, int[] Own, int[] States, int Output, int FeatureNorms, int Channels, int Workspace);
