using Onward.Kernels;

namespace Onward.Models;

/// <summary>One float for each number of a model's parameters: values, gradients or an optimiser's state.</summary>
/// <param name="layout">Where the parameters lie.</param>
public sealed class ParameterVector(ParameterLayout layout)
{
    private readonly Memory<float> _data = AlignedMemory.Allocate(layout.Length);

    /// <summary>Where the parameters lie.</summary>
    public ParameterLayout Layout { get; } = layout;

    /// <summary>All numbers, padding (always zero) included.</summary>
    public Span<float> All => _data.Span;

    /// <summary>The same, as memory that stays where it is.</summary>
    internal Memory<float> Memory => _data;

    /// <summary>The numbers of one parameter.</summary>
    /// <param name="parameter">A parameter of <see cref="Layout"/>.</param>
    public Span<float> this[Parameter parameter] => _data.Span.Slice(parameter.Offset, parameter.Length);
}
