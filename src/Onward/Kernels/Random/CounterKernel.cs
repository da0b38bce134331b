using System.Runtime.CompilerServices;

namespace Onward.Kernels;

/// <summary>
/// The bulk forms of <see cref="CounterRandom"/>: Philox, normals, noise and random signs, written once for every vector width.
/// </summary>
/// <remarks>
/// Philox multiplies 32-bit words to 64-bit products, which vector machines do on even lanes only. The counters of
/// even and of odd lanes are therefore two separate states, both kept in even lanes, until their last words are
/// interleaved; the upper halves of the lanes hold left-overs that the next multiplication ignores.
/// </remarks>
/// <typeparam name="TLanes">The instructions.</typeparam>
/// <typeparam name="TVector">The vector they work on.</typeparam>
internal static unsafe class CounterKernel<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    // Sixteen counters, by four words, by 32 signs in a word.
    private const int Counters = 16;
    private const int BlockLength = 4 * Counters;
    private const int SignsPerWord = 32;
    private const int SignRowLength = Counters * SignsPerWord;
    private const int SignBlockLength = BlockLength * SignsPerWord;

    // Two numbers of noise for each word.
    private const int NoiseBlockLength = 2 * BlockLength;

    // Words are turned into normals while they are in the first-level cache: 16 KiB at a time.
    private const int CachedBlocks = 64;

    /// <summary>Elements <paramref name="firstElement"/> and on, in one form; floats as their bits.</summary>
    public static void Draw(RandomForm form, in RandomStream stream, uint firstElement, Span<uint> destination)
    {
        fixed (uint* start = destination)
        {
            if (form == RandomForm.Signs)
            {
                FillSigns(stream, firstElement, (float*)start, destination.Length);
            }
            else
            {
                Fill(form, stream, firstElement, start, destination.Length);
            }
        }
    }

    private static void FillSigns(in RandomStream stream, uint firstElement, float* destination, int length)
    {
        uint* words = stackalloc uint[BlockLength];
        while (length > 0)
        {
            (uint block, uint skip) = Math.DivRem(firstElement, (uint)SignBlockLength);
            int count = Math.Min(SignBlockLength - (int)skip, length);
            PhiloxBlocks(stream, block, 1, words);
            SignsOfBlock(words, (int)skip, destination, count);
            firstElement += (uint)count;
            destination += count;
            length -= count;
        }
    }

    // Whole blocks go straight to the destination, the parts of blocks at its two ends through a buffer.
    private static void Fill(RandomForm form, in RandomStream stream, uint firstElement, uint* destination, int length)
    {
        int blockLength = form == RandomForm.Noise ? NoiseBlockLength : BlockLength;
        uint* edge = stackalloc uint[NoiseBlockLength];
        while (length > 0)
        {
            (uint block, uint skip) = Math.DivRem(firstElement, (uint)blockLength);
            int blocks = skip == 0 ? Math.Min(length / blockLength, CachedBlocks) : 0;
            int count;
            if (blocks > 0)
            {
                count = blocks * blockLength;
                FillBlocks(form, stream, block, blocks, destination);
            }
            else
            {
                count = Math.Min(blockLength - (int)skip, length);
                FillBlocks(form, stream, block, 1, edge);
                new Span<uint>(edge + skip, count).CopyTo(new Span<uint>(destination, count));
            }

            firstElement += (uint)count;
            destination += count;
            length -= count;
        }
    }

    // The words of noise wait in the second half of its room, where none is written over before it is read.
    private static void FillBlocks(RandomForm form, in RandomStream stream, uint block, int blocks, uint* destination)
    {
        int words = blocks * BlockLength;
        if (form == RandomForm.Noise)
        {
            PhiloxBlocks(stream, block, blocks, destination + words);
            NormalQuantile.Expand<TLanes, TVector>(new(destination + words, words), new(destination, 2 * words));
            return;
        }

        PhiloxBlocks(stream, block, blocks, destination);
        if (form == RandomForm.Normals)
        {
            NormalsOfBlocks(blocks, destination);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PhiloxBlocks(in RandomStream stream, uint block, int blocks, uint* destination)
    {
        uint* keys = stackalloc uint[2 * CounterRandom.Rounds];
        for (int round = 0; round < CounterRandom.Rounds; round++)
        {
            keys[2 * round] = (uint)stream.Seed + ((uint)round * CounterRandom.Weyl0);
            keys[(2 * round) + 1] = (uint)(stream.Seed >> 32) + ((uint)round * CounterRandom.Weyl1);
        }

        TVector example = TLanes.Broadcast(stream.Example);
        TVector step = TLanes.Broadcast(stream.Step);
        TVector site = TLanes.Broadcast(stream.Site);
        TVector multiplier0 = TLanes.Broadcast(CounterRandom.Multiplier0);
        TVector multiplier1 = TLanes.Broadcast(CounterRandom.Multiplier1);
        uint counter = block * Counters;
        uint* end = destination + (blocks * BlockLength);

        // One state waits for its own multiplications most of the time. AVX-512 has the registers for the states of
        // two blocks side by side: 1.3 times as fast.
        if (TLanes.Count == Counters)
        {
            for (; end - destination >= 2 * BlockLength; destination += 2 * BlockLength, counter += 2 * Counters)
            {
                TVector evenA0 = TLanes.Add(TLanes.Broadcast(counter), TLanes.Indices);
                TVector evenB0 = TLanes.Add(evenA0, TLanes.Broadcast((uint)Counters));
                TVector oddA0 = TLanes.OddToEven(evenA0), oddB0 = TLanes.OddToEven(evenB0);
                TVector evenA1 = example, evenA2 = step, evenA3 = site, oddA1 = example, oddA2 = step, oddA3 = site;
                TVector evenB1 = example, evenB2 = step, evenB3 = site, oddB1 = example, oddB2 = step, oddB3 = site;
                for (int round = 0; round < 2 * CounterRandom.Rounds; round += 2)
                {
                    TVector key0 = TLanes.Broadcast(keys[round]), key1 = TLanes.Broadcast(keys[round + 1]);
                    Round(ref evenA0, ref evenA1, ref evenA2, ref evenA3, multiplier0, multiplier1, key0, key1);
                    Round(ref oddA0, ref oddA1, ref oddA2, ref oddA3, multiplier0, multiplier1, key0, key1);
                    Round(ref evenB0, ref evenB1, ref evenB2, ref evenB3, multiplier0, multiplier1, key0, key1);
                    Round(ref oddB0, ref oddB1, ref oddB2, ref oddB3, multiplier0, multiplier1, key0, key1);
                }

                StoreWords(destination, evenA0, evenA1, evenA2, evenA3, oddA0, oddA1, oddA2, oddA3);
                StoreWords(destination + BlockLength, evenB0, evenB1, evenB2, evenB3, oddB0, oddB1, oddB2, oddB3);
            }
        }

        for (; destination < end; destination += BlockLength, counter += Counters)
        {
            for (int lane = 0; lane < Counters; lane += TLanes.Count)
            {
                TVector even0 = TLanes.Add(TLanes.Broadcast(counter + (uint)lane), TLanes.Indices);
                TVector odd0 = TLanes.OddToEven(even0);
                TVector even1 = example, even2 = step, even3 = site, odd1 = example, odd2 = step, odd3 = site;
                for (int round = 0; round < 2 * CounterRandom.Rounds; round += 2)
                {
                    TVector key0 = TLanes.Broadcast(keys[round]), key1 = TLanes.Broadcast(keys[round + 1]);
                    Round(ref even0, ref even1, ref even2, ref even3, multiplier0, multiplier1, key0, key1);
                    Round(ref odd0, ref odd1, ref odd2, ref odd3, multiplier0, multiplier1, key0, key1);
                }

                StoreWords(destination + lane, even0, even1, even2, even3, odd0, odd1, odd2, odd3);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        ref TVector c0,
        ref TVector c1,
        ref TVector c2,
        ref TVector c3,
        TVector multiplier0,
        TVector multiplier1,
        TVector key0,
        TVector key1)
    {
        TVector product0 = TLanes.MultiplyEven(c0, multiplier0);
        TVector product1 = TLanes.MultiplyEven(c2, multiplier1);
        c0 = TLanes.Xor(TLanes.Xor(TLanes.OddToEven(product1), c1), key0);
        c1 = product1;
        c2 = TLanes.Xor(TLanes.Xor(TLanes.OddToEven(product0), c3), key1);
        c3 = product0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreWords(
        uint* row, TVector even0, TVector even1, TVector even2, TVector even3, TVector odd0, TVector odd1, TVector odd2, TVector odd3)
    {
        TLanes.Store(TLanes.Interleave(even0, odd0), row);
        TLanes.Store(TLanes.Interleave(even1, odd1), row + Counters);
        TLanes.Store(TLanes.Interleave(even2, odd2), row + (2 * Counters));
        TLanes.Store(TLanes.Interleave(even3, odd3), row + (3 * Counters));
    }

    // Words 0 and 1 of a block are one row of pairs, words 2 and 3 the next.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void NormalsOfBlocks(int blocks, uint* words)
    {
        for (int lane = 0; lane < Counters; lane += TLanes.Count)
        {
            uint* row = words + lane;
            for (int pair = 0; pair < 2 * blocks; pair++, row += 2 * Counters)
            {
                TVector a = TLanes.Load(row);
                TVector b = TLanes.Load(row + Counters);
                BoxMuller<TLanes, TVector>.Transform(ref a, ref b);
                TLanes.Store(a, row);
                TLanes.Store(b, row + Counters);
            }
        }
    }

    // Sixteen words give 32 rows of sixteen signs; a row that is wanted in part goes through a buffer.
    private static void SignsOfBlock(uint* words, int first, float* destination, int length)
    {
        float* edge = stackalloc float[Counters];
        while (length > 0)
        {
            uint* word = words + (first / SignRowLength * Counters);
            int bit = first % SignRowLength / Counters;
            int skip = first % Counters;
            int bits = skip == 0 ? Math.Min(SignsPerWord - bit, length / Counters) : 0;
            int count;
            if (bits > 0)
            {
                count = bits * Counters;
                SignRows(word, bit, bits, destination);
            }
            else
            {
                count = Math.Min(Counters - skip, length);
                SignRows(word, bit, 1, edge);
                new Span<float>(edge + skip, count).CopyTo(new Span<float>(destination, count));
            }

            first += count;
            destination += count;
            length -= count;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SignRows(uint* words, int bit, int bits, float* destination)
    {
        TVector signBit = TLanes.Broadcast(0x80000000u);
        TVector one = TLanes.Broadcast(1f);
        for (int lane = 0; lane < Counters; lane += TLanes.Count)
        {
            TVector word = TLanes.Load(words + lane);
            float* row = destination + lane;
            for (int i = bit; i < bit + bits; i++, row += Counters)
            {
                TLanes.Store(TLanes.Or(TLanes.And(TLanes.ShiftLeft(word, SignsPerWord - 1 - i), signBit), one), (uint*)row);
            }
        }
    }
}
