using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// What <see cref="LayerNorm"/> normalises: made of what lies in memory as it is read, which spares a sweep of its own.
/// </summary>
internal unsafe interface INormalizationSource
{
    /// <summary>Whether it is what lies in memory.</summary>
    static abstract bool IsPlain { get; }

    /// <summary>To be called before the values of some runs, up to four from this one on.</summary>
    void MoveTo(int run, int size);

    /// <summary>Sixteen values of the run that stands at a place after that run.</summary>
    /// <param name="x">The run in memory.</param>
    /// <param name="i">The first of the values in the run.</param>
    /// <param name="place">0 to 3.</param>
    Vector512<float> Load(float* x, nint i, int place);
}

/// <summary>Values as they are.</summary>
internal readonly unsafe struct PlainSource : INormalizationSource
{
    public static bool IsPlain => true;

    public void MoveTo(int run, int size)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Load(float* x, nint i, int place) => Vector512.Load(x + i);
}

/// <summary>Values after ReLU.</summary>
internal readonly unsafe struct RectifiedSource : INormalizationSource
{
    public static bool IsPlain => false;

    public void MoveTo(int run, int size)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Load(float* x, nint i, int place) => Vector512.Max(Vector512.Load(x + i), Vector512<float>.Zero);
}

/// <summary>Values and a bias, which begins again after so many floats.</summary>
internal unsafe struct BiasedSource(float* bias, int length) : INormalizationSource
{
    private float* _bias0;
    private float* _bias1;
    private float* _bias2;
    private float* _bias3;

    public static bool IsPlain => false;

    public void MoveTo(int run, int size)
    {
        int runs = length / size;
        _bias0 = bias + (run % runs * size);
        _bias1 = bias + ((run + 1) % runs * size);
        _bias2 = bias + ((run + 2) % runs * size);
        _bias3 = bias + ((run + 3) % runs * size);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector512<float> Load(float* x, nint i, int place) =>
        Vector512.Load(x + i) + Vector512.Load((place == 0 ? _bias0 : place == 1 ? _bias1 : place == 2 ? _bias2 : _bias3) + i);
}
