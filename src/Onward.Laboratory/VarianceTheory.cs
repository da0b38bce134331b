namespace Onward.Laboratory;

/// <summary>The variance of a forward gradient in closed form (paper Table 1; spec 1.2, 1.3; docs/theory.md derives it).</summary>
/// <param name="DataVariance">V: the variance of the gradient of one example over the data, averaged over its numbers.</param>
/// <param name="SquaredMean">S: the square of the expected gradient, averaged over its numbers.</param>
public sealed record VarianceTheory(double DataVariance, double SquaredMean)
{
    /// <summary>The variance of the exact gradient of a batch: V / N.</summary>
    /// <param name="examples">N.</param>
    public double Exact(int examples) => DataVariance / examples;

    /// <summary>
    /// The variance of the estimate, averaged over its numbers. With M numbers in one inner product, noise of fourth moment
    /// k and m directions: V/N + (M + k - 2)/m (V/N + S) where examples share a direction, and
    /// V/N + (M + k - 2)/(N m) (V + S) where each has its own. Normal noise has k = 3.
    /// </summary>
    /// <param name="numbers">M: fan-in times fan-out for weight perturbation, fan-out for activity perturbation.</param>
    /// <param name="shared">Whether all examples of a batch share a direction.</param>
    /// <param name="examples">N.</param>
    /// <param name="passes">m.</param>
    /// <param name="fourthMoment">k.</param>
    public double Estimate(double numbers, bool shared, int examples, int passes, double fourthMoment)
    {
        double directions = (numbers + fourthMoment - 2) / passes;
        return Exact(examples) + (directions * (shared ? Exact(examples) + SquaredMean : (DataVariance + SquaredMean) / examples));
    }
}
