using System.Globalization;
using System.Text.RegularExpressions;

namespace Onward.Reports.Tests;

/// <summary>Charts of extreme values stay within their frame.</summary>
public sealed partial class LineChartTests
{
    public static TheoryData<double[]> Values => new(
        new[]
        {
            1, 1e20, 1e300, double.MaxValue, double.Epsilon, 0, -1, -1e20, double.MinValue, double.NaN, double.PositiveInfinity,
            double.NegativeInfinity, 1e20 + 16384, double.BitIncrement(1), double.BitIncrement(double.Epsilon), 1e-300, float.MaxValue, 8.5,
        }.SelectMany(first => SecondValues.Select(second => new[] { first, second, first })));

    private static double[] SecondValues =>
        [1, 1e20, double.BitDecrement(1e20), double.MinValue, double.MaxValue, double.Epsilon, 0, double.NaN, -3];

    [Theory]
    [MemberData(nameof(Values))]
    public void Extreme_values_stay_within_the_frame_and_ticks_are_few(double[] values)
    {
        foreach (bool isRatio in new[] { true, false })
        {
            string chart = LineChart.Draw(
                "loss", "", "", [new ChartLine("a", 0, false, values), new ChartLine("b", 1, true, values[..2])], hasLegend: true, isRatio);

            double[] heights =
            [
                .. Heights().Matches(chart).Select(match => double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture)),
            ];
            Assert.All(heights, height => Assert.InRange(height, 0, 300));
            Assert.DoesNotMatch("(NaN|∞|Infinity)", chart);
            string[] ticks = [.. Ticks().Matches(chart).Select(match => match.Groups[1].Value)];
            Assert.InRange(ticks.Length, values.Any(value => Math.Abs(value) > 1e-300 && double.IsFinite(value)) ? 2 : 0, 14);
            Assert.Equal(ticks.Distinct(), ticks);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(999)]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(100_000)]
    public void Long_runs_are_thinned_and_say_so(int epochs)
    {
        double[] values = [.. Enumerable.Range(1, epochs).Select(epoch => (double)epoch)];

        string chart = LineChart.Draw("loss", "", "", [new ChartLine("a", 0, false, values)], hasLegend: false);

        string[] points = Points().Match(chart).Groups[1].Value.Split(' ');
        int every = ((epochs - 1) / 1000) + 1;
        Assert.Equal(epochs / every, points.Length);
        Assert.Equal(every > 1, chart.Contains($"One epoch in {every} is drawn.", StringComparison.Ordinal));
        Assert.Contains($"&quot;every&quot;:{every},", chart);
        Assert.Contains($"{every},", chart);
        Assert.InRange(chart.Length, 500, 60_000);
    }

    [GeneratedRegex("(?<=[ \"])(cy=\"|y1=\"|y2=\"|y=\"|[0-9.]+,)(-?[^ \",]+)(?=[ \"])")]
    private static partial Regex Heights();

    [GeneratedRegex("text-anchor=\"end\"[^>]*>([^<]*)<")]
    private static partial Regex Ticks();

    [GeneratedRegex("points=\"([^\"]*)\"")]
    private static partial Regex Points();
}
