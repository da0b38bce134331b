using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Onward.Kernels;

namespace Onward.Layers;

/// <summary>
/// Sets each number to 0 with chance p in training, and divides the others by 1 - p (Srivastava et al. 2014). Predictions pass unchanged.
/// </summary>
/// <remarks>
/// What is dropped depends on the seed of the <see cref="Engine.TrainingStep"/>, the number of the step, and the place in batch and
/// network, so it does not depend on threads, tiles or processes.
/// </remarks>
public sealed class Dropout : RowLayer
{
    private readonly uint _threshold;
    private readonly float _scale;

    /// <summary>Creates the layer.</summary>
    /// <param name="p">The chance that a number is dropped, at least 0 and below 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="p"/> is out of range.</exception>
    public Dropout(double p = 0.5)
    {
        if (p is not (>= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(p), p, "The chance of dropping a number is at least 0 and below 1.");
        }

        P = p;
        _threshold = (uint)Math.Min(Math.Round(p * (1L << 32)), uint.MaxValue);
        _scale = (float)(1 / (1 - p));
    }

    /// <summary>The chance that a number is dropped.</summary>
    public double P { get; }

    /// <inheritdoc/>
    public override DerivativeSource DerivativeSource => DerivativeSource.Either;

    /// <inheritdoc/>
    public override Reach Reach => Reach.Same;

    /// <inheritdoc/>
    public override int StateOf(int channels) => channels;

    /// <inheritdoc/>
    /// <remarks>Drops nothing. The state is the factor of each number.</remarks>
    public override void Apply(ReadOnlySpan<float> input, Span<float> output, Span<float> state)
    {
        state.Fill(1);
        input.CopyTo(output);
    }

    /// <summary>Computes the values of some numbers of an example in training.</summary>
    /// <param name="input">Consecutive numbers.</param>
    /// <param name="output">Receives the values; may be <paramref name="input"/>.</param>
    /// <param name="state">Receives the factor of each number.</param>
    /// <param name="stream">The stream of the example; a number is dropped if its bits are below p 2^32.</param>
    /// <param name="first">The place of the first number in the example.</param>
    internal void Drop(ReadOnlySpan<float> input, Span<float> output, Span<float> state, in RandomStream stream, int first)
    {
        CounterRandom.Bits(stream, (uint)first, MemoryMarshal.Cast<float, uint>(state));
        Span<Vector<uint>> vectors = MemoryMarshal.Cast<float, Vector<uint>>(state);
        Vector<uint> threshold = new(_threshold), scale = new(BitConverter.SingleToUInt32Bits(_scale));
        foreach (ref Vector<uint> bits in vectors)
        {
            bits = Vector.GreaterThanOrEqual(bits, threshold) & scale;
        }

        foreach (ref float factor in state[(vectors.Length * Vector<uint>.Count)..])
        {
            factor = BitConverter.SingleToUInt32Bits(factor) >= _threshold ? _scale : 0;
        }

        TensorPrimitives.Multiply(input, state, output);
    }

    /// <inheritdoc/>
    public override void ApplyTangent(
        ReadOnlySpan<float> source, ReadOnlySpan<float> state, ReadOnlySpan<float> tangent, Span<float> result) =>
        TensorPrimitives.Multiply(state, tangent, result);

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"Dropout({P})");
}
