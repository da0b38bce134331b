namespace Onward.Fuzz;

/// <summary>Random choices that depend only on a reader's name, a seed and the number of an input.</summary>
internal sealed class Draw
{
    private ulong _state;

    /// <summary>Creates the source of choices for one input.</summary>
    internal Draw(string reader, ulong seed, long index)
    {
        foreach (char letter in reader)
        {
            _state = (_state ^ letter) * 0x100000001B3;
        }

        _state = Mix(_state ^ seed);
        _state = Mix(_state ^ (ulong)index);
    }

    /// <summary>64 random bits (SplitMix64).</summary>
    internal ulong Bits() => Mix(_state += 0x9E3779B97F4A7C15);

    /// <summary>An integer from 0 to below a bound of 1 or more.</summary>
    internal int Below(int bound) => (int)(Bits() % (ulong)bound);

    /// <summary>True with a probability given in percent.</summary>
    internal bool Percent(int cases) => Below(100) < cases;

    /// <summary>Picks one of several values.</summary>
    internal T Pick<T>(IReadOnlyList<T> values) => values[Below(values.Count)];

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
