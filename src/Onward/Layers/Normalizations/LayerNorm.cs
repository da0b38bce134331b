using Onward.Kernels;

namespace Onward.Layers;

/// <summary>
/// Normalises runs of adjacent channels at each position, without learned parameters: y = (x - mean) / sqrt(variance + epsilon). A run
/// of all channels is layer normalisation; a shorter run normalises each channel group by itself.
/// </summary>
public sealed class LayerNorm : RowLayer
{
    /// <summary>Default of <see cref="Epsilon"/>.</summary>
    public const float DefaultEpsilon = 1e-5f;

    /// <summary>Creates the layer.</summary>
    /// <param name="size">Channels normalised together; at least 2.</param>
    /// <param name="epsilon">Number added to the variance; above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public LayerNorm(int size, float epsilon = DefaultEpsilon)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 2);
        RequireEpsilon(epsilon);
        (Size, Epsilon) = (size, epsilon);
    }

    /// <summary>Refuses a number that cannot be added to a variance.</summary>
    internal static void RequireEpsilon(float epsilon)
    {
        if (!(epsilon > 0 && float.IsFinite(epsilon)))
        {
            throw new ArgumentOutOfRangeException(
                nameof(epsilon), epsilon, "The number that is added to a variance is above 0 and finite.");
        }
    }

    /// <summary>Channels normalised together.</summary>
    public int Size { get; }

    /// <summary>Number added to the variance.</summary>
    public float Epsilon { get; }

    /// <inheritdoc/>
    public override bool IsNormalization => true;

    /// <inheritdoc/>
    public override DerivativeSource DerivativeSource => DerivativeSource.Output;

    /// <inheritdoc/>
    public override Reach Reach => new(0, Size);

    /// <inheritdoc/>
    public override int StateOf(int channels) => channels / Size;

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) =>
        input.Channels % Size == 0 ? input : throw Refuse(input, $"a multiple of {Size} channels");

    /// <inheritdoc/>
    public override void Apply(ReadOnlySpan<float> input, Span<float> output, Span<float> state) =>
        LayerNormKernel.Normalize(input, output, state, Size, Epsilon);

    /// <inheritdoc/>
    public override void ApplyTangent(
        ReadOnlySpan<float> source, ReadOnlySpan<float> state, ReadOnlySpan<float> tangent, Span<float> result) =>
        LayerNormKernel.JacobianProduct(source, state, tangent, result, Size);

    /// <inheritdoc/>
    public override string ToString() => $"LayerNorm({Size})";
}
