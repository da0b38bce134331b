namespace Onward.Models;

/// <summary>One trained array of a model.</summary>
/// <param name="Name">Its path in the model, such as <c>blocks.1.token.weight</c>: the key in files and messages.</param>
/// <param name="Shape">Its shape, row-major.</param>
/// <param name="Offset">Where it starts in a <see cref="ParameterVector"/>.</param>
/// <param name="IsMatrix">Whether it is a weight matrix, to which weight decay applies, rather than a bias.</param>
public sealed record Parameter(string Name, IReadOnlyList<int> Shape, int Offset, bool IsMatrix)
{
    /// <summary>Numbers in the array.</summary>
    public int Length { get; } = Shape.Aggregate(1, (product, size) => checked(product * size));
}
