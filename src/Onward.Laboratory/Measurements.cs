using Onward.Losses;

namespace Onward.Laboratory;

/// <summary>Measurement of one estimator of a linear layer, with one batch size; a row of the results.</summary>
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

/// <summary>Measurement of one rule at one loss scope, for the weights of one layer or of all layers; a row of the results.</summary>
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
        estimate.Rule,
        Name(estimate.Scope),
        estimate.Passes,
        weights,
        quality.Variance,
        quality.VarianceError,
        quality.RelativeVariance,
        quality.RelativeBias,
        quality.RelativeBiasError,
        quality.Cosine);

    private static string Name(LossScope scope)
    {
        if (scope == LossScope.Global)
        {
            return "global";
        }
        IEnumerable<LossScope> parts = new[] { LossScope.Block, LossScope.Patch, LossScope.Group }.Where(part => scope.HasFlag(part));
        return string.Join('+', parts.Select(part => part.ToString().ToLowerInvariant()));
    }
}
