namespace Onward.Laboratory;

/// <summary>How a random gradient stands to the exact one, measured over many draws.</summary>
/// <param name="Variance">The variance of a number of the estimate, averaged over its numbers.</param>
/// <param name="VarianceError">The standard error of <paramref name="Variance"/>.</param>
/// <param name="RelativeVariance">The variances of all numbers, added up, over the squared norm of the exact gradient.</param>
/// <param name="RelativeBias">
/// Distance of the mean of all draws from the exact gradient, over the norm of the exact gradient. An unbiased estimate
/// has about <paramref name="RelativeBiasError"/> of it, because the draws are not endless.
/// </param>
/// <param name="RelativeBiasError">The distance that variance alone explains: the root of the expected square.</param>
/// <param name="Cosine">Cosine of the angle between a draw and the exact gradient, averaged over draws.</param>
public sealed record EstimateQuality(
    double Variance,
    double VarianceError,
    double RelativeVariance,
    double RelativeBias,
    double RelativeBiasError,
    double Cosine);
