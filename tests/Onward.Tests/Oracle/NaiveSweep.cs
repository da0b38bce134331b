using Onward.Models;

namespace Onward.Tests.Oracle;

/// <summary>The numbers that a layer mixes.</summary>
public enum LayerKind
{
    /// <summary>Patches.</summary>
    Token,

    /// <summary>Neighbouring patches, channel by channel.</summary>
    Convolution,

    /// <summary>All channels of a patch.</summary>
    Channel,

    /// <summary>The channels of a group.</summary>
    Group,
}

/// <summary>One layer of the oracle after a sweep.</summary>
/// <param name="Kind">What the layer mixes.</param>
/// <param name="Weight">Its weight.</param>
/// <param name="Bias">Its bias.</param>
/// <param name="Input">Its input, normalised [n][p][in].</param>
/// <param name="Output">Its output, bias included, before normalisation [n][p][D].</param>
/// <param name="Activation">What follows from it after normalisation, noise, residual and ReLU [n][p][D].</param>
/// <param name="Noise">The noise on its pre-activations [n][p][D].</param>
public sealed record NaiveLayer(
    LayerKind Kind, Parameter Weight, Parameter Bias, Dual[][][] Input, Dual[][][] Output, Dual[][][] Activation, double[][][] Noise);

/// <summary>One block of the oracle after a sweep.</summary>
/// <param name="Layers">Its layers.</param>
/// <param name="Losses">The replicated local loss, divided by N [n][p][g].</param>
public sealed record NaiveBlock(IReadOnlyList<NaiveLayer> Layers, Dual[][][] Losses)
{
    /// <summary>The mean loss over the batch, read from the replica of the first patch and group: all have one value.</summary>
    public Dual MeanLoss => Dual.Sum(Losses.Select(example => example[0][0]));

    /// <summary>All replicas added up, whose gradient is that of the mean loss for all but the head.</summary>
    public Dual SumOfReplicas => Dual.Sum(Losses.SelectMany(example => example).SelectMany(patch => patch));

    /// <summary>Derivatives of the replicas along the sweep's direction [n, p, g].</summary>
    public double[] Derivatives => [.. Losses.SelectMany(example => example).SelectMany(patch => patch).Select(loss => loss.Tangent)];
}

/// <summary>One sweep of the oracle through the whole network.</summary>
/// <param name="Blocks">The blocks.</param>
/// <param name="ReadoutLoss">The mean loss of the readout.</param>
public sealed record NaiveSweep(IReadOnlyList<NaiveBlock> Blocks, Dual ReadoutLoss);
