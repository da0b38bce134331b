using Onward.Kernels;

namespace Onward.Training;

/// <summary>
/// A bounded memory of past examples, a fair sample of each class however the classes follow one another: class-balancing reservoir
/// sampling (Chrysakis and Moens 2020, "Online Continual Learning from Imbalanced Data").
/// </summary>
/// <remarks>
/// While there is room, every example is kept. Then an example of a class that was never the largest replaces one of the largest class. Any
/// other replaces one of its own class, with a chance that gives every past example of the class the same chance to be kept.
/// </remarks>
internal sealed class ExampleMemory
{
    private readonly int _length;
    private readonly ulong _seed;
    private readonly byte[] _pixels; // [place, number]
    private readonly int[] _labels; // [place]
    private readonly uint[] _drawn = new uint[2];

    /// <summary>Allocates room for examples.</summary>
    /// <param name="capacity">Most examples.</param>
    /// <param name="length">Bytes of an example.</param>
    /// <param name="seed">Seed of what is kept.</param>
    internal ExampleMemory(int capacity, int length, ulong seed)
    {
        (_length, _seed) = (length, seed);
        _pixels = new byte[checked(capacity * length)];
        _labels = new int[capacity];
    }

    /// <summary>Examples in the memory.</summary>
    internal int Count { get; private set; }

    /// <summary>Examples seen so far.</summary>
    internal uint Added { get; private set; }

    /// <summary>Examples seen so far, by class.</summary>
    internal List<long> Seen { get; } = [];

    /// <summary>True for each class that has been the largest while the memory was full.</summary>
    internal List<bool> WasLargest { get; } = [];

    internal ReadOnlySpan<int> Labels => _labels.AsSpan(0, Count);

    internal ReadOnlySpan<byte> Example(int place) => _pixels.AsSpan(place * _length, _length);

    /// <summary>Declares a class.</summary>
    internal void AddClass()
    {
        Seen.Add(0);
        WasLargest.Add(false);
    }

    /// <summary>Takes an example in, or not.</summary>
    internal void Add(ReadOnlySpan<byte> example, int label)
    {
        Seen[label]++;
        Added++;
        if (Count < _labels.Length)
        {
            Put(Count++, example, label);
            return;
        }

        if (Count == 0)
        {
            return;
        }

        int largest = MarkLargest();
        CounterRandom.Bits(new(_seed, RandomPurpose.Data, Step: Added), 0, _drawn);
        if (!WasLargest[label])
        {
            Put(PlaceOf(largest, Below(_drawn[0], _labels.AsSpan().Count(largest))), example, label);
            return;
        }

        int kept = _labels.AsSpan().Count(label);
        if ((ulong)_drawn[1] * (ulong)Seen[label] >> 32 < (ulong)kept)
        {
            Put(PlaceOf(label, Below(_drawn[0], kept)), example, label);
        }
    }

    /// <summary>Restores a class of a saved memory.</summary>
    internal void RestoreClass(long seen, bool wasLargest)
    {
        Seen.Add(seen);
        WasLargest.Add(wasLargest);
        Added += (uint)seen;
    }

    /// <summary>Restores an example of a saved memory.</summary>
    internal void Restore(ReadOnlySpan<byte> example, int label) =>
        Put(Count++, example, label >= 0 && label < Seen.Count ? label : throw new ArgumentOutOfRangeException(nameof(label)));

    /// <summary>A number below a bound, from 32 random bits.</summary>
    internal static int Below(uint bits, int bound) => (int)((ulong)bits * (ulong)bound >> 32);

    // The first of the largest classes; marks all of them.
    private int MarkLargest()
    {
        int most = 0, first = 0;
        for (int label = Seen.Count - 1; label >= 0; label--)
        {
            int count = _labels.AsSpan().Count(label);
            (most, first) = count >= most ? (count, label) : (most, first);
        }

        for (int label = first; label < Seen.Count; label++)
        {
            WasLargest[label] |= _labels.AsSpan().Count(label) == most;
        }

        return first;
    }

    private int PlaceOf(int label, int rank)
    {
        int place = -1;
        for (int i = 0; i <= rank; i++)
        {
            place += 1 + _labels.AsSpan(place + 1).IndexOf(label);
        }

        return place;
    }

    private void Put(int place, ReadOnlySpan<byte> example, int label)
    {
        example.CopyTo(_pixels.AsSpan(place * _length, _length));
        _labels[place] = label;
    }
}
