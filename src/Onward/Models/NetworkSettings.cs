using System.Text.Json.Serialization;

namespace Onward.Models;

/// <summary>Scale of the initial weights, drawn from N(0, scale^2) (paper's code). Biases start at 0.</summary>
public enum WeightInitializer
{
    /// <summary>min(2 / sqrt(fan-in), 0.1).</summary>
    Kaiming,

    /// <summary>min(1 / sqrt(fan-in), 0.1).</summary>
    Lecun,

    /// <summary>0.1.</summary>
    Constant,
}

/// <summary>Settings of a network beside its blocks: its heads and its initial weights.</summary>
public sealed record NetworkSettings
{
    /// <summary>
    /// Outputs of each local head and of the projector in a self-supervised network, which learns without labels. Default 0: the heads
    /// classify. The readout classifies in both cases.
    /// </summary>
    public int Projection { get; init; }

    /// <summary>True if the readout reads normalised features; default true.</summary>
    public bool NormalizesReadout { get; init; } = true;

    /// <summary>
    /// Number that the normalisation before the readout adds to the variance; above 0, below 1. Default
    /// <see cref="LocalMixerOptions.DefaultEpsilon"/>.
    /// </summary>
    public float Epsilon { get; init; } = LocalMixerOptions.DefaultEpsilon;

    /// <summary>Scale of the initial weights; default Kaiming.</summary>
    public WeightInitializer Initializer { get; init; } = WeightInitializer.Kaiming;

    /// <summary>
    /// True if local heads that classify start at 0; default true. The readout always starts at 0, and heads of a self-supervised network
    /// never do.
    /// </summary>
    public bool ZeroHeads { get; init; } = true;

    /// <summary>The scale of the initial weights of a layer.</summary>
    /// <param name="fanIn">Number of inputs of one output.</param>
    internal float ScaleOf(int fanIn) => Initializer switch
    {
        WeightInitializer.Kaiming => Math.Min(2 / MathF.Sqrt(fanIn), 0.1f),
        WeightInitializer.Lecun => Math.Min(1 / MathF.Sqrt(fanIn), 0.1f),
        _ => 0.1f,
    };

    /// <summary>
    /// True if every head predicts the next token at each position, with a loss and a label for each; default false: one class for the
    /// mean over positions. The network then keeps its positions, and no position reads a later one.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool PredictsNextToken { get; init; }

    internal void Validate()
    {
        if (PredictsNextToken && Projection > 0)
        {
            throw new ArgumentException("A network that predicts tokens classifies; it has no projection.");
        }

        if (Projection is < 0 or 1)
        {
            throw new ArgumentException($"A projection has at least 2 outputs, or is 0 for heads that classify; got {Projection}.");
        }

        if (!(Epsilon is > 0 and < 1))
        {
            throw new ArgumentException($"The epsilon of the readout must be above 0 and below 1; got {Epsilon}.");
        }
    }
}
