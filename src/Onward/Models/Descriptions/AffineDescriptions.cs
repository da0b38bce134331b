using System.Text.Json.Serialization;
using Onward.Layers;

namespace Onward.Models;

/// <summary>Describes a <see cref="Linear"/> layer.</summary>
public sealed record LinearDescription(
    int Inputs, int Outputs, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int Positions = 0)
    : LayerDescription
{
    internal override Layer Build() => new Linear(Inputs, Outputs, Positions) { Name = Name };
}

/// <summary>Describes an <see cref="Embedding"/>.</summary>
public sealed record EmbeddingDescription(int NumEmbeddings, int EmbeddingDim, int Positions = 0) : LayerDescription
{
    internal override Layer Build() => new Embedding(NumEmbeddings, EmbeddingDim, Positions) { Name = Name };
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

/// <summary>Describes a <see cref="Conv2d"/>.</summary>
public sealed record Conv2dDescription(
    int InChannels, int OutChannels, int KernelSize, int Stride = 1, int Padding = 0, int Groups = 1) : LayerDescription
{
    internal override Layer Build() => new Conv2d(InChannels, OutChannels, KernelSize, Stride, Padding, Groups) { Name = Name };
}
