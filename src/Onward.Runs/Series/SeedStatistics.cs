using System.Globalization;

namespace Onward.Runs;

/// <summary>Mean and deviation of a number over seeds.</summary>
/// <param name="Mean">Its mean.</param>
/// <param name="Deviation">Its standard deviation over the seeds, with one degree of freedom less than seeds; null of one seed.</param>
internal sealed record SeedStatistics(double Mean, double? Deviation)
{
    /// <summary>The statistics of values; null where there is none.</summary>
    internal static SeedStatistics? Of(IReadOnlyCollection<double> values)
    {
        if (values.Count == 0)
        {
            return null;
        }

        double mean = values.Average();
        return new SeedStatistics(
            mean, values.Count == 1 ? null : Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1)));
    }

    /// <summary>Mean and deviation with two decimals.</summary>
    public override string ToString() => Deviation is double deviation
        ? string.Create(CultureInfo.InvariantCulture, $"{Mean:0.00} ± {deviation:0.00}")
        : Mean.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>The middle of values, sorted; null where there is none.</summary>
    internal static double? Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? null : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
