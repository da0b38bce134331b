using Onward.Losses;

namespace Onward.Laboratory;

/// <summary>An estimator of a layer with one number of examples.</summary>
internal sealed record LayerMeasurement(
    int FanIn,
    int FanOut,
    int Examples,
    int Passes,
    string Estimator,
    double Measured,
    double StandardError,
    double Theory,
    double RelativeBias,
    double RelativeBiasError,
    double Cosine)
{
    internal static LayerMeasurement From(LinearLayerOptions options, LinearLayerEstimate estimate)
    {
        EstimateQuality quality = estimate.Measured;
        return new LayerMeasurement(
            options.FanIn,
            options.FanOut,
            options.Examples,
            options.Passes,
            estimate.Estimator,
            quality.Variance,
            quality.VarianceError,
            estimate.Theory,
            quality.RelativeBias,
            quality.RelativeBiasError,
            quality.Cosine);
    }
}

/// <summary>A rule at one scope, for one layer's weights or all.</summary>
internal sealed record NetworkMeasurement(
    string Rule,
    string Losses,
    int Passes,
    string Weights,
    double Variance,
    double StandardError,
    double RelativeVariance,
    double RelativeBias,
    double RelativeBiasError,
    double Cosine)
{
    internal const string AllWeights = "all weights";

    internal static NetworkMeasurement From(MixerEstimate estimate, string weights, EstimateQuality quality) => new(
        estimate.Rule, Name(estimate.Scope), estimate.Passes, weights, quality.Variance, quality.VarianceError, quality.RelativeVariance, quality.RelativeBias, quality.RelativeBiasError, quality.Cosine);

    private static string Name(LossScope scope) => scope == LossScope.Global
        ? "global"
        : string.Join(
            '+',
            new[] { LossScope.Block, LossScope.Patch, LossScope.Group }.Where(part => scope.HasFlag(part)).Select(
                part => part.ToString().ToLowerInvariant()));
}
