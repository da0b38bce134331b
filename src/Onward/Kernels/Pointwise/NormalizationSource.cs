using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// The values that <see cref="LayerNormKernel"/> normalises, computed from memory while it is read, which saves a separate pass.
/// </summary>
internal unsafe interface INormalizationSource
{
    /// <summary>True if the values are the numbers in memory.</summary>
    static abstract bool IsPlain { get; }

    /// <summary>Sixteen values of a run.</summary>
    /// <param name="x">The run in memory.</param>
    /// <param name="i">The first of the values in the run.</param>
    /// <param name="place">The number of the run, counted from the last call of <see cref="Pass"/>.</param>
    Vector512<float> Load(float* x, nint i, int place);

    /// <summary>Advances by some runs.</summary>
    void Pass(int runs);
}

/// <summary>The numbers in memory.</summary>
internal readonly unsafe struct PlainSource : INormalizationSource
{
    public static bool IsPlain => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Load(float* x, nint i, int place) => Vector512.Load(x + i);

    public void Pass(int runs)
    {
    }
}

/// <summary>The numbers in memory after ReLU.</summary>
internal readonly unsafe struct RectifiedSource : INormalizationSource
{
    public static bool IsPlain => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Load(float* x, nint i, int place) => Vector512.Max(Vector512.Load(x + i), Vector512<float>.Zero);

    public void Pass(int runs)
    {
    }
}

/// <summary>
/// The numbers in memory plus the bias of their row. A row is one run or whole batches of runs, so a batch never crosses rows.
/// </summary>
/// <param name="bias">The bias of a row.</param>
/// <param name="runs">Runs in a row.</param>
/// <param name="size">Floats in a run.</param>
internal unsafe struct BiasedSource(float* bias, int runs, int size) : INormalizationSource
{
    private readonly float* _end = bias + (runs * (nint)size);
    private readonly nint _step = runs == 1 ? 0 : size;
    private readonly float* _first = bias;
    private float* _next = bias;

    public static bool IsPlain => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector512<float> Load(float* x, nint i, int place) =>
        Vector512.Load(x + i) + Vector512.Load(_next + (place * _step) + i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Pass(int runs)
    {
        _next += runs * _step;
        _next = _next == _end ? _first : _next;
    }
}
