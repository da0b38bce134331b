using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Onward.Kernels;

/// <summary>Prefetches memory into the caches, on processors that have such instructions.</summary>
internal static unsafe class Prefetch
{
    private const int FloatsOfLine = 16;

    /// <summary>Prefetches the cache line at an address into the first cache; the address need not be readable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void ToFirstCache(void* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }

    /// <summary>Prefetches all lines of some floats into the first cache.</summary>
    internal static void LinesToFirstCache(float* start, int length)
    {
        for (int i = 0; i < length; i += FloatsOfLine)
        {
            ToFirstCache(start + i);
        }
    }

    /// <summary>Prefetches the cache line at an address into the second cache; the address need not be readable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void ToSecondCache(void* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(address);
        }
    }
}
