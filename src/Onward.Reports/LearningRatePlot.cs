using System.Globalization;
using Onward.Training;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace Onward.Reports;

/// <summary>Plots the loss of a scan over learning rates (<see cref="LearningRateScan"/>).</summary>
internal static class LearningRatePlot
{
    /// <summary>Draws the plot into a PNG file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="title">The title.</param>
    /// <param name="scan">The steps of the scan.</param>
    /// <param name="suggested">The suggested rate; null where there is none.</param>
    internal static void Save(string path, string title, IReadOnlyList<ScannedRate> scan, double? suggested)
    {
        using Plot plot = new();
        double[] rates = [.. scan.Select(step => Math.Log10(step.LearningRate))];
        Scatter points = plot.Add.ScatterPoints(rates, scan.Select(step => step.Loss).ToArray());
        (points.Color, points.MarkerSize, points.LegendText) = (Colors.Gray.WithOpacity(0.5), 4, "a step");
        Scatter line = plot.Add.ScatterLine(rates, scan.Select(step => step.Smoothed).ToArray());
        (line.Color, line.LineWidth, line.LegendText) = (Color.FromHex("#c9211e"), 3, "smoothed");
        if (suggested is double rate)
        {
            VerticalLine at = plot.Add.VerticalLine(Math.Log10(rate));
            string name = string.Create(CultureInfo.InvariantCulture, $"learning rate {rate:G2}");
            (at.Color, at.LineWidth, at.LegendText) = (Color.FromHex("#1f5fa8"), 2, name);
        }

        // Tenths of a decade are too many labels, a decade alone too few to read a rate from.
        int[] decades = [.. Enumerable.Range((int)Math.Floor(rates[0]), (int)Math.Ceiling(rates[^1]) - (int)Math.Floor(rates[0]) + 1)];
        double[] ticks =
        [
            .. decades.Select(decade => Math.Pow(10, decade)).SelectMany<double, double>(power => [power, 2 * power, 5 * power]),
        ];
        plot.Axes.Bottom.TickGenerator = new NumericManual(
            [.. ticks.Select(Math.Log10)], [.. ticks.Select(rate => rate.ToString("G3", CultureInfo.InvariantCulture))]);
        double least = scan.Min(step => step.Smoothed), first = scan[0].Smoothed;
        plot.Axes.SetLimitsY(least - (0.2 * (first - least)), first + (0.4 * (first - least)) + 0.01);
        plot.Axes.SetLimitsX(rates[0], rates[^1]);
        plot.Title(title, size: 20);
        plot.XLabel("learning rate", size: 16);
        plot.YLabel("loss, nats", size: 16);
        plot.Font.Set(LearningCurves.SansSerif());
        plot.ShowLegend(Alignment.LowerLeft);
        plot.SavePng(path, 900, 560);
    }
}
