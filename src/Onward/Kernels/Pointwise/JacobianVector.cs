using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>What the Jacobian of <see cref="LayerNorm"/> multiplies: made of what lies in memory as it is read.</summary>
internal unsafe interface IJacobianVector
{
    /// <summary>Sixteen numbers of the vector.</summary>
    /// <param name="a">The numbers in memory.</param>
    /// <param name="y">The normalised values at their places.</param>
    Vector512<float> Load(float* a, Vector512<float> y);
}

/// <summary>All of what lies in memory.</summary>
internal readonly unsafe struct WholeVector : IJacobianVector
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Load(float* a, Vector512<float> y) => Vector512.Load(a);
}

/// <summary>What belongs to active units: a gradient that has come back as far as ReLU.</summary>
internal readonly unsafe struct ActiveVector : IJacobianVector
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Load(float* a, Vector512<float> y) => Vector512.Load(a) & Vector512.GreaterThan(y, Vector512<float>.Zero);
}
