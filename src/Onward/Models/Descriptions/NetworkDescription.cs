using System.Text.Json.Serialization;
using Onward.Layers;

namespace Onward.Models;

/// <summary>Describes a network in a form that JSON can hold: its shapes and layers, without parameters.</summary>
/// <param name="Input">The shape of an example.</param>
/// <param name="Blocks">The blocks in order.</param>
/// <param name="Classes">Classes of the readout.</param>
/// <param name="Settings">The heads and the initial weights.</param>
public sealed record NetworkDescription(
    ExampleShape Input, IReadOnlyList<BlockDescription> Blocks, int Classes, NetworkSettings Settings)
{
    /// <summary>Describes a network.</summary>
    /// <param name="network">The network.</param>
    /// <exception cref="NotSupportedException">A layer is of a type that only the program which made the network knows.</exception>
    public static NetworkDescription Of(Network network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return new(
            network.Input,
            [.. network.Blocks.Select(block => BlockDescription.Of(block.Description))],
            network.Classes,
            network.Settings);
    }

    /// <summary>Builds the network that is described.</summary>
    /// <exception cref="ArgumentException">The layers do not fit one another, or a size is out of range.</exception>
    /// <exception cref="OverflowException">A size is larger than any array.</exception>
    public Network Build() => new(Input, BuildBlocks(), Classes, Settings);

    /// <summary>Counts the parameters without allocating memory for them.</summary>
    internal long CountParameters()
    {
        long count = 0;
        int outputs = Settings.Projection > 0 ? Settings.Projection : Classes;
        ExampleShape shape = Input;
        foreach ((int k, Block block) in BuildBlocks().Index())
        {
            try
            {
                shape = block.Layers.Aggregate(shape, (input, layer) => layer.OutputOf(input));
            }
            catch (ArgumentException fault)
            {
                throw new ArgumentException($"Block {k}: {fault.Message}", fault);
            }

            count = checked(count + ParametersOf(block.Layers) + HeadOf(outputs));
        }

        return checked(count + HeadOf(Classes) + (Settings.Projection > 0 ? HeadOf(Settings.Projection) : 0));

        long HeadOf(int classes) => checked(((long)shape.Channels * classes) + classes);
    }

    private Block[] BuildBlocks()
    {
        Block[] built = new Block[Blocks.Count];
        for (int k = 0; k < built.Length; k++)
        {
            try
            {
                built[k] = Blocks[k]?.Build() ?? throw new ArgumentException("layers: null is no block.");
            }
            catch (ArgumentException fault)
            {
                throw new ArgumentException($"blocks[{k}].{fault.Message}", fault);
            }
        }

        return built;
    }

    private static long ParametersOf(IEnumerable<Layer> layers) => layers.Sum(
        layer => layer switch
        {
            Residual residual => ParametersOf(residual.Layers),
            AffineLayer map => checked(
                map.WeightShape.Aggregate(1L, (product, size) => checked(product * size))
                    + map.BiasShape.Aggregate(1L, (product, size) => checked(product * size))),
            _ => 0,
        });
}

/// <summary>Describes a block.</summary>
/// <param name="Layers">The layers in order.</param>
/// <param name="Groups">Groups of the output's channels.</param>
/// <param name="FeatureNorm">The normalisation before the local head; null for none.</param>
public sealed record BlockDescription(
    IReadOnlyList<LayerDescription> Layers,
    int Groups = 1,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] LayerNormDescription? FeatureNorm = null)
{
    internal static BlockDescription Of(Block block) => new(
        [.. block.Layers.Select(LayerDescription.Of)],
        block.Groups,
        block.FeatureNorm is LayerNorm norm ? new LayerNormDescription(norm.Size, norm.Epsilon) : null);

    internal Block Build() => new(LayerDescription.BuildAll(Layers))
    {
        Groups = Groups,
        FeatureNorm = FeatureNorm is null ? null : (LayerNorm)LayerDescription.BuildAt("featureNorm", FeatureNorm),
    };
}
