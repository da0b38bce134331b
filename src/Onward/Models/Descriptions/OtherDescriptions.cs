using Onward.Layers;

namespace Onward.Models;

/// <summary>Describes a <see cref="LayerNorm"/>.</summary>
public sealed record LayerNormDescription(int Size, float Epsilon = LayerNorm.DefaultEpsilon) : LayerDescription
{
    internal override Layer Build() => new LayerNorm(Size, Epsilon) { Name = Name };
}

/// <summary>Describes an <see cref="RmsNorm"/>.</summary>
public sealed record RmsNormDescription(int Size, float Epsilon = LayerNorm.DefaultEpsilon) : LayerDescription
{
    internal override Layer Build() => new RmsNorm(Size, Epsilon) { Name = Name };
}

/// <summary>Describes a <see cref="GroupNorm"/>.</summary>
public sealed record GroupNormDescription(int Groups, int Channels, float Epsilon = LayerNorm.DefaultEpsilon) : LayerDescription
{
    internal override Layer Build() => new GroupNorm(Groups, Channels, Epsilon) { Name = Name };
}

/// <summary>Describes a <see cref="Relu"/>.</summary>
public sealed record ReluDescription : LayerDescription
{
    internal override Layer Build() => new Relu { Name = Name };
}

/// <summary>Describes a <see cref="Gelu"/>.</summary>
public sealed record GeluDescription(GeluApproximation Approximation = GeluApproximation.None) : LayerDescription
{
    internal override Layer Build() => new Gelu(Approximation) { Name = Name };
}

/// <summary>Describes a <see cref="Silu"/>.</summary>
public sealed record SiluDescription : LayerDescription
{
    internal override Layer Build() => new Silu { Name = Name };
}

/// <summary>Describes a <see cref="Dropout"/>.</summary>
public sealed record DropoutDescription(double P = 0.5) : LayerDescription
{
    internal override Layer Build() => new Dropout(P) { Name = Name };
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

/// <summary>Describes a <see cref="MaxPool2d"/>.</summary>
public sealed record MaxPool2dDescription(int KernelSize, int Stride, int Padding = 0) : LayerDescription
{
    internal override Layer Build() => new MaxPool2d(KernelSize, Stride, Padding) { Name = Name };
}

/// <summary>Describes an <see cref="AvgPool2d"/>.</summary>
public sealed record AvgPool2dDescription(int KernelSize, int Stride, int Padding = 0) : LayerDescription
{
    internal override Layer Build() => new AvgPool2d(KernelSize, Stride, Padding) { Name = Name };
}

/// <summary>Describes an <see cref="Attention"/>.</summary>
public sealed record AttentionDescription(int Heads, bool Causal = false) : LayerDescription
{
    internal override Layer Build() => new Attention(Heads, Causal) { Name = Name };
}

/// <summary>Describes a <see cref="Residual"/>.</summary>
public sealed record ResidualDescription(IReadOnlyList<LayerDescription> Layers) : LayerDescription
{
    internal override Layer Build() => new Residual(BuildAll(Layers)) { Name = Name };
}
