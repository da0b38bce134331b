using Onward.Kernels;
using Onward.Layers;

namespace Onward.Models;

/// <summary>One affine map of a block, its parameters, and the normalisations before and after it.</summary>
public sealed class MixerLayer
{
    private readonly Memory<float> _packedWeight;

    internal MixerLayer(
        AffineLayer map, string name, int index, int inputNorm, int outputNorm, bool reachesAllGroups, ParameterLayout layout)
    {
        Map = map;
        Index = index;
        InputNorm = inputNorm;
        OutputNorm = outputNorm;
        ReachesAllGroups = reachesAllGroups;
        Weight = layout.Add($"{name}.weight", map.WeightShape, isMatrix: true);
        Bias = layout.Add($"{name}.bias", map.BiasShape, isMatrix: false);
        _packedWeight = AlignedMemory.Allocate(map.PackedWeightLength);
    }

    /// <summary>The map itself.</summary>
    public AffineLayer Map { get; }

    /// <summary>Its number in the model, block by block: the layer that names its noise.</summary>
    public int Index { get; }

    /// <summary>Floats normalised together in the input (D, C, or the patch vector); 0 for none.</summary>
    public int InputNorm { get; }

    /// <summary>Floats normalised together in the output (D or C); 0 for none.</summary>
    public int OutputNorm { get; }

    /// <summary>The weight.</summary>
    public Parameter Weight { get; }

    /// <summary>The bias.</summary>
    public Parameter Bias { get; }

    /// <summary>
    /// True if a change of one output can change the local losses of all groups of its patch; false if it can only change the losses of
    /// its own group. True for layers before the last full mixing of channels in a block: for the layer that mixes patches.
    /// </summary>
    public bool ReachesAllGroups { get; }

    internal ReadOnlySpan<float> PackedWeight => _packedWeight.Span;

    internal void Pack(int slice, ParameterVector values) => Map.PackWeight(slice, values.Read(Weight), _packedWeight.Span);
}
