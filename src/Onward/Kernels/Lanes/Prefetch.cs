using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Onward.Kernels;

/// <summary>Hints to the caches; where the processor takes none, they do nothing.</summary>
internal static unsafe class Prefetch
{
    private const int FloatsOfLine = 16;

    /// <summary>Asks for the cache line at an address to come into the first cache; the address need not be readable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void ToFirstCache(void* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }

    /// <summary>Asks for all lines of some floats to come into the first cache.</summary>
    internal static void LinesToFirstCache(float* start, int length)
    {
        for (int i = 0; i < length; i += FloatsOfLine)
        {
            ToFirstCache(start + i);
        }
    }

    /// <summary>Asks for the cache line at an address to come into the second cache; the address need not be readable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void ToSecondCache(void* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(address);
        }
    }
}
