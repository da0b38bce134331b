namespace Onward.Optimizers;

/// <summary>Turns gradients into updates, with one velocity for each number. A parameter may be updated in slices of any size.</summary>
/// <param name="Momentum">Fraction of the last velocity that is kept, 0 to below 1.</param>
/// <param name="WeightDecay">Coefficient of weight decay on matrices, 0 or more. Biases do not decay.</param>
public abstract record Optimizer(double Momentum, double WeightDecay)
{
    /// <summary>Numbers of a parameter that are updated, or whose norms are taken, at a time.</summary>
    internal const int SliceLength = 16 * 1024;

    private protected const int Lanes = 16;

    /// <summary>Updates consecutive numbers of one parameter.</summary>
    /// <param name="values">Numbers of the parameter; updated.</param>
    /// <param name="gradients">Their gradients.</param>
    /// <param name="velocity">Their velocities; updated.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="decay">True to apply weight decay.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public abstract void Update(Span<float> values, ReadOnlySpan<float> gradients, Span<float> velocity, double rate, bool decay);

    /// <summary>
    /// The factor that scales the learning rate of a whole parameter; 1 for an optimiser that takes no norms.
    /// </summary>
    /// <param name="values">All numbers of the parameter.</param>
    /// <param name="gradients">Their gradients.</param>
    /// <param name="decay">True to apply weight decay.</param>
    public virtual double RateFactor(ReadOnlySpan<float> values, ReadOnlySpan<float> gradients, bool decay) => 1;

    private protected static void RequireEqualLengths(
        ReadOnlySpan<float> values, ReadOnlySpan<float> gradients, ReadOnlySpan<float> velocity)
    {
        if (values.Length != gradients.Length || values.Length != velocity.Length)
        {
            throw new ArgumentException(
                $"Values, gradients and velocity must have one length; got {values.Length}, {gradients.Length} and {velocity.Length}.");
        }
    }
}
