using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Layers;

/// <summary>
/// Divides runs of adjacent channels at each position by their root mean square, without learned parameters:
/// y = x / sqrt(mean(x^2) + epsilon) (Zhang and Sennrich 2019).
/// </summary>
public sealed class RmsNorm : RowLayer
{
    /// <summary>Creates the layer.</summary>
    /// <param name="size">Channels normalised together; at least 1.</param>
    /// <param name="epsilon">Number added to the mean square; above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public RmsNorm(int size, float epsilon = LayerNorm.DefaultEpsilon)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        LayerNorm.RequireEpsilon(epsilon);
        (Size, Epsilon) = (size, epsilon);
    }

    /// <summary>Channels normalised together.</summary>
    public int Size { get; }

    /// <summary>Number added to the mean square.</summary>
    public float Epsilon { get; }

    /// <inheritdoc/>
    public override bool IsNormalization => true;

    /// <inheritdoc/>
    public override DerivativeSource DerivativeSource => DerivativeSource.Output;

    /// <inheritdoc/>
    public override Reach Reach => new(0, Size);

    /// <inheritdoc/>
    /// <remarks>The state is r = 1 / sqrt(mean(x^2) + epsilon) of each run.</remarks>
    public override int StateOf(int channels) => channels / Size;

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) =>
        input.Channels % Size == 0 ? input : throw Refuse(input, $"a multiple of {Size} channels");

    /// <inheritdoc/>
    public override void Apply(ReadOnlySpan<float> input, Span<float> output, Span<float> state)
    {
        Activation.InnerRuns(input, input, 1f / Size, state, Size);
        for (int run = 0; run < state.Length; run++)
        {
            state[run] = 1 / MathF.Sqrt(state[run] + Epsilon);
            TensorPrimitives.Multiply(input.Slice(run * Size, Size), state[run], output.Slice(run * Size, Size));
        }
    }

    /// <inheritdoc/>
    /// <remarks>The Jacobian r (I - y y' / n) is symmetric, so a gradient passes back as a tangent passes forward.</remarks>
    public override void ApplyTangent(
        ReadOnlySpan<float> source, ReadOnlySpan<float> state, ReadOnlySpan<float> tangent, Span<float> result)
    {
        Span<float> along = stackalloc float[1];
        for (int run = 0; run < state.Length; run++)
        {
            ReadOnlySpan<float> normal = source.Slice(run * Size, Size), vector = tangent.Slice(run * Size, Size);
            Span<float> target = result.Slice(run * Size, Size);
            Activation.InnerRuns(normal, vector, -1f / Size, along, Size);
            TensorPrimitives.MultiplyAdd(normal, along[0], vector, target);
            TensorPrimitives.Multiply(target, state[run], target);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"RmsNorm({Size})";
}
