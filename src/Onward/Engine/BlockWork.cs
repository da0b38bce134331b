using Onward.Models;

namespace Onward.Engine;

/// <summary>The work of one phase.</summary>
/// <param name="Flops">Floating-point operations in matrix products of the blocks' layers.</param>
/// <param name="Bytes">Bytes that are read or written at least once.</param>
internal readonly record struct PhaseWork(double Flops, double Bytes);

/// <summary>The work that a profile counts for a block, summed over the layers.</summary>
/// <param name="Flops">Floating-point operations for the values of one example.</param>
/// <param name="Bytes">Bytes of one example's inputs and outputs.</param>
/// <param name="WeightBytes">Bytes of the packed weights.</param>
internal readonly record struct BlockWork(double Flops, double Bytes, double WeightBytes)
{
    internal static BlockWork Of(NetworkBlock block) => new(
        block.FlopsPerExample,
        sizeof(float) * block.Layers.Sum(
            layer => ((double)layer.InputPositions * layer.Map.Inputs) + ((double)layer.Positions * layer.Map.Outputs)),
        sizeof(float) * block.Layers.Sum(layer => (double)layer.Map.PackedWeightLength));

    /// <summary>The work of computing the values of some examples.</summary>
    internal PhaseWork Values(int examples) => new(examples * Flops, WeightBytes + (examples * Bytes));

    /// <summary>The work of differentiating some examples.</summary>
    internal PhaseWork Differentiation(int examples) => new(0, WeightBytes + (examples * Bytes));
}
