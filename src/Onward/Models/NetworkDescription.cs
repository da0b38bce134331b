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
    public Network Build() => new(Input, [.. Blocks.Select(block => block.Build())], Classes, Settings);

    /// <summary>Counts the parameters without allocating memory for them.</summary>
    internal long CountParameters()
    {
        long count = 0;
        int outputs = Settings.Projection > 0 ? Settings.Projection : Classes;
        ExampleShape shape = Input;
        foreach (Block block in Blocks.Select(block => block.Build()))
        {
            shape = block.Layers.Aggregate(shape, (input, layer) => layer.OutputOf(input));
            count = checked(count + ParametersOf(block.Layers) + HeadOf(outputs));
        }

        return checked(count + HeadOf(Classes) + (Settings.Projection > 0 ? HeadOf(Settings.Projection) : 0));

        long HeadOf(int classes) => checked(((long)shape.Channels * classes) + classes);
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
    IReadOnlyList<LayerDescription> Layers, int Groups = 1, LayerNormDescription? FeatureNorm = null)
{
    internal static BlockDescription Of(Block block) => new(
        [.. block.Layers.Select(LayerDescription.Of)],
        block.Groups,
        block.FeatureNorm is LayerNorm norm ? new LayerNormDescription(norm.Size, norm.Epsilon) : null);

    internal Block Build() => new([.. Layers.Select(layer => layer.Build())])
    {
        Groups = Groups,
        FeatureNorm = (LayerNorm?)FeatureNorm?.Build(),
    };
}

/// <summary>Describes a layer.</summary>
[JsonDerivedType(typeof(LinearDescription), "linear")]
[JsonDerivedType(typeof(GroupedLinearDescription), "groupedLinear")]
[JsonDerivedType(typeof(TokenMixingDescription), "tokenMixing")]
[JsonDerivedType(typeof(DepthwiseConvolutionDescription), "depthwiseConvolution")]
[JsonDerivedType(typeof(LayerNormDescription), "layerNorm")]
[JsonDerivedType(typeof(ReluDescription), "relu")]
[JsonDerivedType(typeof(SiluDescription), "silu")]
[JsonDerivedType(typeof(FlattenDescription), "flatten")]
[JsonDerivedType(typeof(ImagePatchesDescription), "imagePatches")]
[JsonDerivedType(typeof(GridPoolingDescription), "gridPooling")]
[JsonDerivedType(typeof(ResidualDescription), "residual")]
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
public abstract record LayerDescription
{
    /// <summary>The layer's name within its block; null for the default.</summary>
    public string? Name { get; init; }

    internal static LayerDescription Of(Layer layer) => Describe(layer) with { Name = layer.Name };

    internal abstract Layer Build();

    private static LayerDescription Describe(Layer layer) => layer switch
    {
        Linear map => new LinearDescription(map.Inputs, map.Outputs),
        GroupedLinear map => new GroupedLinearDescription(map.Groups, map.Inputs / map.Groups),
        TokenMixing map => new TokenMixingDescription(map.MixedRows, map.Inputs),
        DepthwiseConvolution map => new DepthwiseConvolutionDescription(map.Side, map.WeightShape[0], map.Inputs),
        LayerNorm norm => new LayerNormDescription(norm.Size, norm.Epsilon),
        Relu => new ReluDescription(),
        Silu => new SiluDescription(),
        Flatten => new FlattenDescription(),
        ImagePatches cut => new ImagePatchesDescription(cut.PatchesPerSide, cut.Image),
        GridPooling pooling => new GridPoolingDescription(pooling.Kind, pooling.Side, pooling.Stride, pooling.Channels),
        Residual residual => new ResidualDescription([.. residual.Layers.Select(Of)]),
        _ => throw new NotSupportedException(
            $"A file can describe the layers of this library alone; {layer.GetType().Name} is another one. "
            + "Save the parameters (Network.Values), and build the network in the program."),
    };
}

/// <summary>Describes a <see cref="Linear"/> layer.</summary>
public sealed record LinearDescription(int Inputs, int Outputs) : LayerDescription
{
    internal override Layer Build() => new Linear(Inputs, Outputs) { Name = Name };
}

/// <summary>Describes a <see cref="GroupedLinear"/> layer.</summary>
public sealed record GroupedLinearDescription(int Groups, int ChannelsPerGroup) : LayerDescription
{
    internal override Layer Build() => new GroupedLinear(Groups, ChannelsPerGroup) { Name = Name };
}

/// <summary>Describes a <see cref="TokenMixing"/> layer.</summary>
public sealed record TokenMixingDescription(int Patches, int Channels) : LayerDescription
{
    internal override Layer Build() => new TokenMixing(Patches, Channels) { Name = Name };
}

/// <summary>Describes a <see cref="DepthwiseConvolution"/>.</summary>
public sealed record DepthwiseConvolutionDescription(int Side, int KernelSide, int Channels) : LayerDescription
{
    internal override Layer Build() => new DepthwiseConvolution(Side, KernelSide, Channels) { Name = Name };
}

/// <summary>Describes a <see cref="LayerNorm"/>.</summary>
public sealed record LayerNormDescription(int Size, float Epsilon = LayerNorm.DefaultEpsilon) : LayerDescription
{
    internal override Layer Build() => new LayerNorm(Size, Epsilon) { Name = Name };
}

/// <summary>Describes a <see cref="Relu"/>.</summary>
public sealed record ReluDescription : LayerDescription
{
    internal override Layer Build() => new Relu { Name = Name };
}

/// <summary>Describes a <see cref="Silu"/>.</summary>
public sealed record SiluDescription : LayerDescription
{
    internal override Layer Build() => new Silu { Name = Name };
}

/// <summary>Describes a <see cref="Flatten"/> layer.</summary>
public sealed record FlattenDescription : LayerDescription
{
    internal override Layer Build() => new Flatten { Name = Name };
}

/// <summary>Describes <see cref="ImagePatches"/>.</summary>
public sealed record ImagePatchesDescription(int PatchesPerSide, ExampleShape Image) : LayerDescription
{
    internal override Layer Build() => new ImagePatches(PatchesPerSide, Image) { Name = Name };
}

/// <summary>Describes a <see cref="GridPooling"/>.</summary>
public sealed record GridPoolingDescription(PatchPooling Kind, int Side, int Stride, int Channels) : LayerDescription
{
    internal override Layer Build() => new GridPooling(Kind, Side, Stride, Channels) { Name = Name };
}

/// <summary>Describes a <see cref="Residual"/>.</summary>
public sealed record ResidualDescription(IReadOnlyList<LayerDescription> Layers) : LayerDescription
{
    internal override Layer Build() => new Residual([.. Layers.Select(layer => layer.Build())]) { Name = Name };
}
