namespace Onward.Kernels;

/// <summary>The numbers that <see cref="CounterRandom"/> computes from a stream's words.</summary>
internal enum RandomForm
{
    /// <summary>The words themselves.</summary>
    Bits,

    /// <summary>Standard normals by Box and Muller, a word each.</summary>
    Normals,

    /// <summary>Standard normals by inversion, two a word.</summary>
    Noise,

    /// <summary>+1 or -1, a bit each.</summary>
    Signs,
}
