namespace Onward.Laboratory;

/// <summary>Quality of a random gradient compared with the exact one, measured over many draws.</summary>
/// <param name="Variance">Variance of an element of the estimate, averaged over the elements.</param>
/// <param name="VarianceError">Standard error of <paramref name="Variance"/>.</param>
/// <param name="RelativeVariance">Sum of the variances of all elements, divided by the squared norm of the exact gradient.</param>
/// <param name="RelativeBias">Distance of the mean of all draws from the exact gradient, divided by the norm of the exact gradient.
/// For an unbiased estimate it is about <paramref name="RelativeBiasError"/>, because the number of draws is finite.</param>
/// <param name="RelativeBiasError">Root mean square of <paramref name="RelativeBias"/> that the variance alone causes.</param>
/// <param name="Cosine">Cosine of the angle between a draw and the exact gradient, averaged over draws.</param>
public sealed record EstimateQuality(
    double Variance,
    double VarianceError,
    double RelativeVariance,
    double RelativeBias,
    double RelativeBiasError,
    double Cosine);
