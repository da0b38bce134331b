namespace Onward.Optimizers;

/// <summary>Consecutive numbers of one parameter, with their gradients and the state that an optimiser keeps of them.</summary>
/// <param name="values">Numbers of the parameter, which an update changes.</param>
/// <param name="gradients">Their gradients.</param>
/// <param name="velocity">Their velocities, which an update changes.</param>
/// <param name="squares">Their mean squared gradients, which an update changes; empty for an optimiser that keeps none.</param>
/// <param name="step">Number of the update, from 1.</param>
public readonly ref struct ParameterSlice(
    Span<float> values, ReadOnlySpan<float> gradients, Span<float> velocity, Span<float> squares = default, long step = 1)
{
    /// <summary>Numbers of the parameter, which an update changes.</summary>
    public Span<float> Values { get; } = values;

    /// <summary>The gradients of the numbers.</summary>
    public ReadOnlySpan<float> Gradients { get; } = gradients;

    /// <summary>The velocities of the numbers, which an update changes.</summary>
    public Span<float> Velocity { get; } = velocity;

    /// <summary>The mean squared gradients of the numbers, which an update changes; empty for an optimiser that keeps none.</summary>
    public Span<float> Squares { get; } = squares;

    /// <summary>Number of the update, from 1.</summary>
    public long Step { get; } = step;

    /// <summary>Requires that all parts have the same length.</summary>
    /// <param name="withSquares">True if the optimiser keeps mean squared gradients.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    internal void RequireFit(bool withSquares)
    {
        if (Values.Length != Gradients.Length || Values.Length != Velocity.Length)
        {
            throw new ArgumentException(
                "Values, gradients and velocity must have one length; "
                + $"got {Values.Length}, {Gradients.Length} and {Velocity.Length}.");
        }

        if (withSquares && Values.Length != Squares.Length)
        {
            throw new ArgumentException($"{Values.Length} values need as many mean squared gradients; got {Squares.Length}.");
        }
    }
}
