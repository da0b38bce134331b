namespace Onward.Optimizers;

/// <summary>Turns gradients into updates. A parameter may be updated in slices of any size.</summary>
/// <param name="Momentum">Fraction of the last velocity that is kept, 0 to below 1.</param>
/// <param name="WeightDecay">Coefficient of weight decay on matrices, 0 or more. Biases do not decay.</param>
public abstract record Optimizer(double Momentum, double WeightDecay)
{
    /// <summary>Numbers of a parameter that are updated, or whose norms are taken, at a time.</summary>
    internal const int SliceLength = 16 * 1024;

    private protected const int Lanes = 16;

    /// <summary>True if the optimiser keeps a mean squared gradient of each number, beside its velocity.</summary>
    public virtual bool KeepsSquares => false;

    /// <summary>
    /// True if a slice can be updated as soon as its own gradients are final; false if the update depends on the whole parameter.
    /// </summary>
    internal virtual bool UpdatesInSlices => true;

    /// <summary>Updates consecutive numbers of one parameter.</summary>
    /// <param name="slice">The numbers, their gradients and their state.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="decay">True to apply weight decay.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public abstract void Update(scoped in ParameterSlice slice, double rate, bool decay);

    /// <summary>
    /// The factor that scales the learning rate of a whole parameter; 1 for an optimiser that takes no norms.
    /// </summary>
    /// <param name="values">All numbers of the parameter.</param>
    /// <param name="gradients">Their gradients.</param>
    /// <param name="decay">True to apply weight decay.</param>
    public virtual double RateFactor(ReadOnlySpan<float> values, ReadOnlySpan<float> gradients, bool decay) => 1;
}
