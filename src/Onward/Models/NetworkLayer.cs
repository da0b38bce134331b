using Onward.Kernels;
using Onward.Layers;

namespace Onward.Models;

/// <summary>An affine layer in its place in a network, with its parameters.</summary>
public sealed class NetworkLayer
{
    private readonly Memory<float> _packedWeight;

    internal NetworkLayer(AffineLayer map, string name, int index, int place, ExampleShape input, ParameterLayout layout)
    {
        (Map, Index, Place) = (map, index, place);
        (InputPositions, Positions) = (input.Positions, map.OutputOf(input).Positions);
        Weight = layout.Add($"{name}.weight", map.WeightShape, isMatrix: true, map.Matrices);
        Bias = layout.Add($"{name}.bias", map.BiasShape, isMatrix: false);
        _packedWeight = AlignedMemory.Allocate(map.PackedWeightLength);
    }

    /// <summary>The map itself.</summary>
    public AffineLayer Map { get; }

    /// <summary>Its number in the network, block by block: the layer that names its noise.</summary>
    public int Index { get; }

    /// <summary>Its number in its block.</summary>
    public int Place { get; }

    /// <summary>Positions of an example in the layer's input.</summary>
    public int InputPositions { get; }

    /// <summary>Positions of an example in the layer's output.</summary>
    public int Positions { get; }

    /// <summary>The weight.</summary>
    public Parameter Weight { get; }

    /// <summary>The bias.</summary>
    public Parameter Bias { get; }

    /// <summary>
    /// True if a change at the noise site, behind the layer and its normalisation, can change the local losses of all channel groups; false
    /// if it can change the losses of its own group alone (<see cref="Reach"/>).
    /// </summary>
    public bool ReachesAllGroups { get; internal set; }

    /// <summary>
    /// True if a change of one output before the normalisation can change the local losses of all channel groups, as a full-width
    /// normalisation lets it do.
    /// </summary>
    public bool OutputReachesAllGroups { get; internal set; }

    /// <summary>True if a change at the noise site can change the local losses of other positions than its own.</summary>
    public bool ReachesOtherPositions { get; internal set; }

    /// <summary>True if a change at any position of the noise site can change the local losses of all positions.</summary>
    public bool ReachesAllPositions { get; internal set; }

    /// <summary>
    /// True if a change at a position of the noise site can change the local losses of that position and of all later ones, and no other.
    /// </summary>
    public bool ReachesLaterPositions { get; internal set; }

    /// <summary>The positions that each position of the noise site reaches.</summary>
    internal ReachedPositions? Reached { get; set; }

    /// <summary>Finds the rows and columns of the block's output whose local losses a change at the noise site can change.</summary>
    /// <param name="position">The position of the change in the layer's output.</param>
    public (Range Rows, Range Columns) ReachOf(int position) => Reached![position];

    internal ReadOnlySpan<float> PackedWeight => _packedWeight.Span;

    internal void Pack(int slice, ParameterVector values) => Map.PackWeight(slice, values.Read(Weight), _packedWeight.Span);
}
