using System.Runtime.CompilerServices;

namespace Onward.Kernels;

/// <summary>Memory that starts at a cache line, so that no vector load reads two lines.</summary>
public static unsafe class AlignedMemory
{
    private const int Line = 64;

    /// <summary>Allocates memory of zeros. The garbage collector does not move it, and frees it when it is no longer used.</summary>
    /// <param name="length">Number of floats.</param>
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
