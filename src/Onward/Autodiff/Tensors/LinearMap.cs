using System.Numerics;

namespace Onward.Autodiff;

/// <summary>A linear map L and its transpose: u · L v = Lᵀ u · v. Tangents take the one forward, errors the other back.</summary>
/// <param name="Apply">v to L v.</param>
/// <param name="Transpose">u to Lᵀ u, but for the sum over broadcast axes, which is left to whoever receives it.</param>
internal readonly record struct LinearMap<T>(Func<DenseArray<T>, DenseArray<T>> Apply, Func<DenseArray<T>, DenseArray<T>> Transpose)
    where T : struct, IFloatingPointIeee754<T>
{
    public static LinearMap<T> Identity { get; } = new(v => v, u => u);

    /// <summary>The product with a constant, number by number.</summary>
    public static LinearMap<T> Times(DenseArray<T> factor) => new(v => v * factor, u => u * factor);
}
