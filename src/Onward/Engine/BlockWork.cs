using Onward.Models;

namespace Onward.Engine;

/// <summary>The work of one phase.</summary>
/// <param name="Flops">Floating-point operations in matrix products of the blocks' layers.</param>
/// <param name="Bytes">Bytes that are read or written at least once.</param>
internal readonly record struct PhaseWork(double Flops, double Bytes);

/// <summary>The work that a profile counts for a block, summed over the layers.</summary>
/// <param name="RowFlops">Floating-point operations for the values of one row.</param>
/// <param name="RowBytes">Bytes of one row's inputs and outputs.</param>
/// <param name="WeightBytes">Bytes of the packed weights.</param>
internal readonly record struct BlockWork(double RowFlops, double RowBytes, double WeightBytes)
{
    internal static BlockWork Of(MixerBlock block) => new(
        2.0 * block.Layers.Sum(layer => layer.Map.MultiplyAddsPerRow),
        sizeof(float) * block.Layers.Sum(layer => (double)layer.Map.Inputs + layer.Map.Outputs),
        sizeof(float) * block.Layers.Sum(layer => (double)layer.Map.PackedWeightLength));

    /// <summary>The work of computing the values of some rows.</summary>
    internal PhaseWork Values(int rows) => new(rows * RowFlops, WeightBytes + (rows * RowBytes));

    /// <summary>The work of differentiating some rows.</summary>
    internal PhaseWork Differentiation(int rows) => new(0, WeightBytes + (rows * RowBytes));
}
