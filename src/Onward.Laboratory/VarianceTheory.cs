namespace Onward.Laboratory;

/// <summary>The variance of a forward gradient in closed form (paper Table 1; derived in docs/theory.md).</summary>
/// <param name="DataVariance">V: the variance over the data of one example's gradient, averaged over its elements.</param>
/// <param name="SquaredMean">S: the square of the expected gradient, averaged over its elements.</param>
public sealed record VarianceTheory(double DataVariance, double SquaredMean)
{
    /// <summary>The variance of the exact gradient of a batch: V / N.</summary>
    /// <param name="examples">Number of examples, N.</param>
    public double Exact(int examples) => DataVariance / examples;

    /// <summary>The variance of the estimate, averaged over its elements.</summary>
    /// <remarks>
    /// There are M elements in one inner product, m directions, and noise of fourth moment k (3 for normal noise). If examples
    /// share a direction, the variance is V/N + (M + k - 2)/m (V/N + S). If each example has its own, the variance is
    /// V/N + (M + k - 2)/(N m) (V + S).
    /// </remarks>
    /// <param name="numbers">M: fan-in times fan-out for weight perturbation, fan-out for activity perturbation.</param>
    /// <param name="shared">True if all examples of a batch share a direction.</param>
    /// <param name="examples">Number of examples, N.</param>
    /// <param name="passes">Number of directions, m.</param>
    /// <param name="fourthMoment">Fourth moment of the noise, k.</param>
    public double Estimate(double numbers, bool shared, int examples, int passes, double fourthMoment)
    {
        double directions = (numbers + fourthMoment - 2) / passes;
        return Exact(examples) + (directions * (shared ? Exact(examples) + SquaredMean : (DataVariance + SquaredMean) / examples));
    }
}
