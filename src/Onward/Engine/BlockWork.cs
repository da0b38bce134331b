using Onward.Models;

namespace Onward.Engine;

/// <summary>What a profile counts of a block: of one row in all layers, and of the layers' weights.</summary>
internal readonly record struct BlockWork(double RowFlops, double RowBytes, double WeightBytes)
{
    internal static BlockWork Of(MixerBlock block) => new(
        2.0 * block.Layers.Sum(layer => layer.Map.MultiplyAddsPerRow),
        sizeof(float) * block.Layers.Sum(layer => (double)layer.Map.Inputs + layer.Map.Outputs),
        sizeof(float) * block.Layers.Sum(layer => (double)layer.Map.PackedWeightLength));
}
