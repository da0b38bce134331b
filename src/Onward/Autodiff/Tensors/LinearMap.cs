using System.Numerics;

namespace Onward.Autodiff;

/// <summary>A linear map L and its transpose: u · L v = Lᵀ u · v. Tangents are mapped by L, errors by its transpose.</summary>
/// <param name="Apply">Maps v to L v.</param>
/// <param name="Transpose">Maps u to Lᵀ u, except that the sum over broadcast axes is left to the receiver.</param>
internal readonly record struct LinearMap<T>(Func<DenseArray<T>, DenseArray<T>> Apply, Func<DenseArray<T>, DenseArray<T>> Transpose)
    where T : struct, IFloatingPointIeee754<T>
{
    public static LinearMap<T> Identity { get; } = new(v => v, u => u);

    /// <summary>The elementwise product with a constant.</summary>
    public static LinearMap<T> Times(DenseArray<T> factor) => new(v => v * factor, u => u * factor);
}
