using System.Runtime.CompilerServices;

namespace Onward.Kernels;

/// <summary>Memory whose first float stands at the start of a cache line, so that no vector load straddles two lines.</summary>
public static unsafe class AlignedMemory
{
    private const int Line = 64;

    /// <summary>Allocates zeroed memory that the garbage collector neither moves nor has to be told to free.</summary>
    /// <param name="length">Floats.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    public static Memory<float> Allocate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        float[] array = GC.AllocateArray<float>(checked(length + (Line / sizeof(float))), pinned: true);
        nuint address = (nuint)Unsafe.AsPointer(ref array[0]);
        int skip = (int)((Line - (address % Line)) % Line) / sizeof(float);
        return array.AsMemory(skip, length);
    }
}
