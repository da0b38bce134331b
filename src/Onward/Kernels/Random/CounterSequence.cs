using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>Takes the words of a stream one after another: for data and shuffling, where the order of calls is fixed.</summary>
/// <remarks>Not safe for use from several threads at once; give each its own stream.</remarks>
/// <param name="stream">The stream, used by nobody else.</param>
public sealed class CounterSequence(RandomStream stream)
{
    private const int BufferLength = 256;

    private readonly uint[] _buffer = new uint[BufferLength];
    private long _position;

    /// <summary>The next word of the stream.</summary>
    /// <returns>A number uniform over all 32-bit words.</returns>
    /// <exception cref="InvalidOperationException">All 2^32 words have been taken.</exception>
    public uint NextUInt32()
    {
        int index = (int)(_position % BufferLength);
        if (index == 0)
        {
            if (_position > uint.MaxValue)
            {
                throw new InvalidOperationException(
                    $"A stream has 2^32 words, and all of {stream} have been taken; continue with a stream of another name.");
            }

            CounterRandom.Bits(stream, (uint)_position, _buffer);
        }

        _position++;
        return _buffer[index];
    }

    /// <summary>A multiple of 2^-24.</summary>
    /// <returns>A number uniform in [0, 1).</returns>
    public float NextSingle() => (NextUInt32() >> 8) * (1f / 16777216f);

    /// <summary>A number between two bounds.</summary>
    /// <param name="min">The lower bound, included.</param>
    /// <param name="max">The upper bound, excluded unless it equals <paramref name="min"/>.</param>
    /// <returns>A number uniform in [<paramref name="min"/>, <paramref name="max"/>).</returns>
    /// <exception cref="ArgumentOutOfRangeException">The bounds are out of order or their distance is not finite.</exception>
    public float NextSingle(float min, float max)
    {
        if (!(min <= max && float.IsFinite(max - min)))
        {
            throw new ArgumentOutOfRangeException(
                nameof(max), max, $"A range needs finite bounds in order, but got [{min}, {max}); swap them or scale them down.");
        }

        float value = min + ((max - min) * NextSingle());
        return value < max || min == max ? value : MathF.BitDecrement(max);
    }

    /// <summary>A number below a bound, every one equally likely.</summary>
    /// <remarks>Lemire, "Fast random integer generation in an interval" (2019): a word is rejected where keeping it would bias.</remarks>
    /// <param name="exclusiveMaximum">The bound, at least 1.</param>
    /// <returns>A number uniform over 0 to <paramref name="exclusiveMaximum"/> - 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The bound is below 1.</exception>
    public int NextInt32(int exclusiveMaximum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(exclusiveMaximum, 1);
        uint bound = (uint)exclusiveMaximum;
        uint rejected = (0u - bound) % bound;
        ulong product;
        do
        {
            product = (ulong)NextUInt32() * bound;
        }
        while ((uint)product < rejected);
        return (int)(product >> 32);
    }

    /// <summary>A standard normal; takes two words.</summary>
    /// <returns>A finite number of mean 0 and variance 1.</returns>
    public float NextNormal()
    {
        Vector128<uint> a = Vector128.CreateScalar(NextUInt32());
        Vector128<uint> b = Vector128.CreateScalar(NextUInt32());
        BoxMuller<Lanes128, Vector128<uint>>.Transform(ref a, ref b);
        return a.AsSingle().ToScalar();
    }

    /// <summary>Puts the items in an order drawn from all orders with equal chance.</summary>
    /// <typeparam name="T">The items.</typeparam>
    /// <param name="items">The items to reorder in place.</param>
    public void Shuffle<T>(Span<T> items)
    {
        for (int last = items.Length - 1; last > 0; last--)
        {
            int chosen = NextInt32(last + 1);
            (items[last], items[chosen]) = (items[chosen], items[last]);
        }
    }
}
