using Onward.Kernels;

namespace Onward.Models;

/// <summary>One float for each number of a model's parameters: values, gradients or the state of an optimiser.</summary>
/// <remarks>
/// A model packs its weights for the products of a step, and must know if the packed copies are still current. So a vector has a
/// version, which every writer raises. A caller outside the library cannot forget to raise it: a span to write through counts as
/// a change for as long as the caller may hold the span.
/// </remarks>
/// <param name="layout">The place of each parameter.</param>
public sealed class ParameterVector(ParameterLayout layout)
{
    private readonly Memory<float> _data = AlignedMemory.Allocate(layout.Length);

    // True if somebody may hold a span to write through. Threads may set it at the same time, to the same value.
    private bool _isLent;

    /// <summary>The place of each parameter.</summary>
    public ParameterLayout Layout { get; } = layout;

    /// <summary>All numbers, padding (always zero) included, to read and to write.</summary>
    /// <remarks>
    /// The caller may keep the span and write through it at any time. So the model packs its weights again in every step from now on,
    /// outside of a trainer. To read only, use <see cref="Read"/>.
    /// </remarks>
    public Span<float> All
    {
        get
        {
            _isLent = true;
            return _data.Span;
        }
    }

    /// <summary>The numbers as memory that stays in place, to read and to write.</summary>
    internal Memory<float> Memory
    {
        get
        {
            _isLent = true;
            return _data;
        }
    }

    /// <summary>The version of the numbers: another number after every change.</summary>
    internal long Version { get; private set; }

    /// <summary>The numbers of one parameter, to read and to write.</summary>
    /// <remarks>
    /// The caller may keep the span and write through it at any time. So the model packs its weights again in every step from now on,
    /// outside of a trainer. To read only, use <see cref="Read"/>.
    /// </remarks>
    /// <param name="parameter">A parameter of <see cref="Layout"/>.</param>
    public Span<float> this[Parameter parameter]
    {
        get
        {
            _isLent = true;
            return Update(parameter);
        }
    }

    /// <summary>The numbers of one parameter, to read.</summary>
    /// <param name="parameter">A parameter of <see cref="Layout"/>.</param>
    public ReadOnlySpan<float> Read(Parameter parameter) => Update(parameter);

    /// <summary>The numbers of one parameter, for a writer that calls <see cref="MarkChanged"/> itself.</summary>
    internal Span<float> Update(Parameter parameter) => _data.Span.Slice(parameter.Offset, parameter.Length);

    /// <summary>Raises the version.</summary>
    internal void MarkChanged() => Version++;

    /// <summary>True if the numbers certainly have a version, because nobody can have written any since.</summary>
    internal bool IsAt(long version) => !_isLent && Version == version;

    /// <summary>
    /// Declares that no caller can write through a span any more. The trainer knows that between two steps: its callbacks have
    /// returned, and a span cannot outlive the method that holds it.
    /// </summary>
    internal void EndLoans()
    {
        if (_isLent)
        {
            _isLent = false;
            MarkChanged();
        }
    }
}
