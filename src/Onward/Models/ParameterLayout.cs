using Onward.Kernels;

namespace Onward.Models;

/// <summary>The place of each parameter of a model in one flat vector. Parameters start on cache lines.</summary>
public sealed class ParameterLayout
{
    private const int Alignment = 16;

    private readonly List<Parameter> _parameters = [];

    /// <summary>The parameters in the order of the model.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>Floats in the flat vector, alignment included.</summary>
    public int Length { get; private set; }

    /// <summary>Number of trained numbers, alignment excluded.</summary>
    public long Count => _parameters.Sum(p => (long)p.Length);

    internal Parameter Add(string name, IReadOnlyList<int> shape, bool isMatrix, MatrixGroups? matrices = null)
    {
        Parameter parameter = new(name, shape, Length, isMatrix) { Matrices = matrices };
        _parameters.Add(parameter);
        Length = checked(Length + ((parameter.Length + Alignment - 1) / Alignment * Alignment));
        return parameter;
    }
}
