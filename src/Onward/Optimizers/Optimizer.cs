namespace Onward.Optimizers;

/// <summary>How gradients become updates: a velocity for each number, in constant memory, some consecutive numbers at a time.</summary>
/// <param name="Momentum">Part of the last velocity that is kept; 0 to below 1.</param>
/// <param name="WeightDecay">Pull of weight matrices towards 0; 0 or more. Biases are not decayed.</param>
public abstract record Optimizer(double Momentum, double WeightDecay)
{
    private protected const int Lanes = 16;

    /// <summary>Updates some consecutive numbers of one parameter.</summary>
    /// <param name="values">The parameter; updated.</param>
    /// <param name="gradients">Its gradient.</param>
    /// <param name="velocity">Its velocity; updated.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="decay">Whether weight decay applies.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public abstract void Update(Span<float> values, ReadOnlySpan<float> gradients, Span<float> velocity, double rate, bool decay);

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
