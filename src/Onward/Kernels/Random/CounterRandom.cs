using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>Random numbers that are a pure function of a stream and the index of an element.</summary>
/// <remarks>
/// <para>
/// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). The key is the
/// seed; the counter is (c0, example, step, purpose | pass | layer), where c0 counts through the elements. Seven rounds
/// are the fewest the authors found to pass every test of BigCrush; ten are what they recommend.
/// </para>
/// <para>
/// Bits and normals: element e belongs to block e / 64; within it, word j = (e % 64) / 16 of the Philox output at
/// c0 = 16 (e / 64) + e % 16. Normals pair word 0 with 1 and 2 with 3: the first takes the cosine, the second the sine.
/// Noise: with v = (e % 128) / 16, element e is made of word v / 2 of the output at c0 = 16 (e / 128) + e % 16, with its halves
/// exchanged where v is odd: half a word of randomness each, by inversion of the distribution function.
/// Signs: element e is a bit, block e / 2048; with v = (e % 2048) / 16, bit v % 32 of word v / 32 of the output at
/// c0 = 16 (e / 2048) + e % 16; a set bit is -1.
/// </para>
/// <para>
/// Bits, normals, noise and signs of one stream are computed from the same words, so draw from a stream in one way only.
/// </para>
/// </remarks>
public static class CounterRandom
{
    internal const uint Multiplier0 = 0xD2511F53u;
    internal const uint Multiplier1 = 0xCD9E8D57u;
    internal const uint Weyl0 = 0x9E3779B9u;
    internal const uint Weyl1 = 0xBB67AE85u;

    /// <summary>Rounds of Philox.</summary>
    internal const int Rounds = 10;

    /// <summary>Computes the four words of one counter. All other methods compute the same words in bulk.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="counter">The first word of the Philox counter.</param>
    /// <returns>The four output words.</returns>
    public static (uint Word0, uint Word1, uint Word2, uint Word3) Block(in RandomStream stream, uint counter) =>
        Philox(counter, stream.Example, stream.Step, stream.Site, (uint)stream.Seed, (uint)(stream.Seed >> 32));

    /// <summary>Writes uniformly distributed words, elements <paramref name="firstElement"/> and on.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="firstElement">The index of the first element; calls that start at a multiple of 64 are fastest.</param>
    /// <param name="destination">Receives the words.</param>
    /// <exception cref="ArgumentOutOfRangeException">The last element lies beyond 2^32 - 1.</exception>
    public static void Bits(in RandomStream stream, uint firstElement, Span<uint> destination) =>
        Draw(RandomForm.Bits, stream, firstElement, destination);

    /// <summary>Writes standard normals, elements <paramref name="firstElement"/> and on; all are finite, none beyond 6.67.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="firstElement">The index of the first element; calls that start at a multiple of 64 are fastest.</param>
    /// <param name="destination">Receives the normals.</param>
    /// <exception cref="ArgumentOutOfRangeException">The last element lies beyond 2^32 - 1.</exception>
    public static void Normals(in RandomStream stream, uint firstElement, Span<float> destination) =>
        Draw(RandomForm.Normals, stream, firstElement, MemoryMarshal.Cast<float, uint>(destination));

    /// <summary>
    /// Writes approximate standard normals, at less than half the cost of <see cref="Normals"/>: accurate to 2e-4, none beyond 6.36. They
    /// serve as directions of forward gradients, which take hundreds of thousands for each image.
    /// </summary>
    /// <param name="stream">The stream.</param>
    /// <param name="firstElement">The index of the first element; calls that start at a multiple of 128 are fastest.</param>
    /// <param name="destination">Receives the normals.</param>
    /// <exception cref="ArgumentOutOfRangeException">The last element lies beyond 2^32 - 1.</exception>
    public static void Noise(in RandomStream stream, uint firstElement, Span<float> destination) =>
        Draw(RandomForm.Noise, stream, firstElement, MemoryMarshal.Cast<float, uint>(destination));

    /// <summary>Writes +1 or -1 with equal chance, elements <paramref name="firstElement"/> and on.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="firstElement">The index of the first element; calls that start at a multiple of 2048 are fastest.</param>
    /// <param name="destination">Receives the signs.</param>
    /// <exception cref="ArgumentOutOfRangeException">The last element lies beyond 2^32 - 1.</exception>
    public static void Signs(in RandomStream stream, uint firstElement, Span<float> destination) =>
        Draw(RandomForm.Signs, stream, firstElement, MemoryMarshal.Cast<float, uint>(destination));

    internal static (uint Word0, uint Word1, uint Word2, uint Word3) Philox(
        uint c0, uint c1, uint c2, uint c3, uint key0, uint key1)
    {
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * c0;
            ulong product1 = (ulong)Multiplier1 * c2;
            c0 = (uint)(product1 >> 32) ^ c1 ^ key0;
            c1 = (uint)product1;
            c2 = (uint)(product0 >> 32) ^ c3 ^ key1;
            c3 = (uint)product0;
            key0 += Weyl0;
            key1 += Weyl1;
        }

        return (c0, c1, c2, c3);
    }

    private static void Draw(RandomForm form, in RandomStream stream, uint firstElement, Span<uint> destination)
    {
        CheckEnd(firstElement, destination.Length);
        if (Vector512.IsHardwareAccelerated)
        {
            CounterKernel<Lanes512, Vector512<uint>>.Draw(form, stream, firstElement, destination);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            CounterKernel<Lanes256, Vector256<uint>>.Draw(form, stream, firstElement, destination);
        }
        else
        {
            CounterKernel<Lanes128, Vector128<uint>>.Draw(form, stream, firstElement, destination);
        }
    }

    private static void CheckEnd(uint firstElement, int length)
    {
        if (length > (long)uint.MaxValue + 1 - firstElement)
        {
            throw new ArgumentOutOfRangeException(
                nameof(firstElement),
                firstElement,
                $"A stream has 2^32 elements, and {length} from here run past its end; name another stream for the rest.");
        }
    }
}
