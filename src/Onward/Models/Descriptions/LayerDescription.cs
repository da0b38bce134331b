using System.Text.Json.Serialization;
using Onward.Layers;

namespace Onward.Models;

/// <summary>Describes a layer.</summary>
[JsonDerivedType(typeof(LinearDescription), "linear")]
[JsonDerivedType(typeof(EmbeddingDescription), "embedding")]
[JsonDerivedType(typeof(GroupedLinearDescription), "groupedLinear")]
[JsonDerivedType(typeof(TokenMixingDescription), "tokenMixing")]
[JsonDerivedType(typeof(DepthwiseConvolutionDescription), "depthwiseConvolution")]
[JsonDerivedType(typeof(Conv2dDescription), "conv2d")]
[JsonDerivedType(typeof(LayerNormDescription), "layerNorm")]
[JsonDerivedType(typeof(RmsNormDescription), "rmsNorm")]
[JsonDerivedType(typeof(GroupNormDescription), "groupNorm")]
[JsonDerivedType(typeof(ReluDescription), "relu")]
[JsonDerivedType(typeof(GeluDescription), "gelu")]
[JsonDerivedType(typeof(SiluDescription), "silu")]
[JsonDerivedType(typeof(DropoutDescription), "dropout")]
[JsonDerivedType(typeof(FlattenDescription), "flatten")]
[JsonDerivedType(typeof(ImagePatchesDescription), "imagePatches")]
[JsonDerivedType(typeof(GridPoolingDescription), "gridPooling")]
[JsonDerivedType(typeof(MaxPool2dDescription), "maxPool2d")]
[JsonDerivedType(typeof(AvgPool2dDescription), "avgPool2d")]
[JsonDerivedType(typeof(AttentionDescription), "attention")]
[JsonDerivedType(typeof(ResidualDescription), "residual")]
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
public abstract record LayerDescription
{
    /// <summary>The layer's name within its block; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    internal static LayerDescription Of(Layer layer) => Describe(layer) with { Name = layer.Name };

    internal abstract Layer Build();

    /// <summary>Builds layers in order.</summary>
    /// <exception cref="ArgumentException">A layer is missing, or a size is out of range. The message names the layer.</exception>
    internal static Layer[] BuildAll(IReadOnlyList<LayerDescription> layers) =>
        [.. layers.Select((layer, i) => BuildAt($"layers[{i}]", layer))];

    /// <summary>Builds the layer at a place of the description.</summary>
    /// <exception cref="ArgumentException">The layer is missing, or a size is out of range. The message names the place.</exception>
    internal static Layer BuildAt(string place, LayerDescription layer)
    {
        try
        {
            return (layer ?? throw new ArgumentException("null is no layer.")).Build();
        }
        catch (Exception fault) when (fault is ArgumentException or OverflowException)
        {
            throw new ArgumentException($"{place}: {ReasonOf(fault)}", fault);
        }
    }

    // Without the lines and the names that the framework adds for programmers.
    private static string ReasonOf(Exception fault) => fault switch
    {
        OverflowException => "it is larger than any array.",
        ArgumentOutOfRangeException { ParamName: string name, ActualValue: object value } => $"{name} cannot be {value}.",
        _ => fault.Message.Split('\n')[0].Split(" (Parameter '")[0],
    };

    private static LayerDescription Describe(Layer layer) => layer switch
    {
        Linear map => new LinearDescription(map.Inputs, map.Outputs, map.Positions),
        Embedding map => new EmbeddingDescription(map.NumEmbeddings, map.Outputs, map.Positions),
        GroupedLinear map => new GroupedLinearDescription(map.Groups, map.Inputs / map.Groups),
        TokenMixing map => new TokenMixingDescription(map.MixedRows, map.Inputs),
        DepthwiseConvolution map => new DepthwiseConvolutionDescription(map.Side, map.WeightShape[0], map.Inputs),
        Conv2d map => new Conv2dDescription(map.Inputs, map.Outputs, map.KernelSize, map.Stride, map.Padding, map.ChannelGroups),
        LayerNorm norm => new LayerNormDescription(norm.Size, norm.Epsilon),
        RmsNorm norm => new RmsNormDescription(norm.Size, norm.Epsilon),
        GroupNorm norm => new GroupNormDescription(norm.Groups, norm.Channels, norm.Epsilon),
        Relu => new ReluDescription(),
        Gelu gelu => new GeluDescription(gelu.Approximation),
        Silu => new SiluDescription(),
        Dropout dropout => new DropoutDescription(dropout.P),
        Flatten => new FlattenDescription(),
        ImagePatches cut => new ImagePatchesDescription(cut.PatchesPerSide, cut.Image),
        GridPooling pooling => new GridPoolingDescription(pooling.Kind, pooling.Side, pooling.Stride, pooling.Channels),
        MaxPool2d pooling => new MaxPool2dDescription(pooling.KernelSize, pooling.Stride, pooling.Padding),
        AvgPool2d pooling => new AvgPool2dDescription(pooling.KernelSize, pooling.Stride, pooling.Padding),
        Attention attention => new AttentionDescription(attention.Heads, attention.Causal),
        Residual residual => new ResidualDescription([.. residual.Layers.Select(Of)]),
        _ => throw new NotSupportedException(
            $"A file can describe the layers of this library alone; {layer.GetType().Name} is another one. "
            + "Save the parameters (Network.Values), and build the network in the program."),
    };
}
