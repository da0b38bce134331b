using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>The vector that the Jacobian of <see cref="LayerNormKernel"/> multiplies, computed from memory while it is read.</summary>
internal unsafe interface IJacobianVector
{
    /// <summary>Sixteen numbers of the vector.</summary>
    /// <param name="a">The numbers in memory.</param>
    /// <param name="y">The normalised values at their places.</param>
    Vector512<float> Load(float* a, Vector512<float> y);
}

/// <summary>The numbers in memory.</summary>
internal readonly unsafe struct WholeVector : IJacobianVector
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Load(float* a, Vector512<float> y) => Vector512.Load(a);
}

/// <summary>The numbers of active units, and 0 for others: a gradient that passes back through ReLU.</summary>
internal readonly unsafe struct ActiveVector : IJacobianVector
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Load(float* a, Vector512<float> y) => Vector512.Load(a) & Vector512.GreaterThan(y, Vector512<float>.Zero);
}
