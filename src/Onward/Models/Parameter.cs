using Onward.Kernels;

namespace Onward.Models;

/// <summary>One trained array of a model.</summary>
/// <param name="Name">The path in the model, such as <c>blocks.1.token.weight</c>: the key in files and messages.</param>
/// <param name="Shape">The shape, row-major.</param>
/// <param name="Offset">The place of the first number in a <see cref="ParameterVector"/>.</param>
/// <param name="IsMatrix">True for a weight matrix, to which weight decay applies; false for a bias.</param>
public sealed record Parameter(string Name, IReadOnlyList<int> Shape, int Offset, bool IsMatrix)
{
    /// <summary>Number of numbers in the array.</summary>
    public int Length { get; } = Shape.Aggregate(1, (product, size) => checked(product * size));

    /// <summary>The matrices of a layer's weight; null for biases, heads, and weights that are not matrices.</summary>
    internal MatrixGroups? Matrices { get; init; }
}
