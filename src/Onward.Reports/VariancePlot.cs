using System.Globalization;
using Onward.Laboratory;
using ScottPlot;

namespace Onward.Reports;

/// <summary>Draws measurements of variance on logarithmic axes.</summary>
internal static class VariancePlot
{
    private const int Width = 720, Height = 520;

    // Okabe and Ito's colours, told apart by colour-blind readers too; the first is for the exact gradient.
    private static readonly Color[] Colors =
    [
        Color.FromHex("#666666"), Color.FromHex("#D55E00"), Color.FromHex("#E69F00"), Color.FromHex("#0072B2"),
        Color.FromHex("#009E73"), Color.FromHex("#CC79A7"), Color.FromHex("#56B4E9"), Color.FromHex("#000000"),
    ];

    private static readonly MarkerShape[] Shapes =
    [
        MarkerShape.FilledCircle,
        MarkerShape.FilledSquare,
        MarkerShape.FilledDiamond,
        MarkerShape.FilledTriangleUp,
        MarkerShape.FilledTriangleDown,
    ];

    /// <summary>Variance over the examples of a batch, one panel for each layer: theory as lines, measurements as points.</summary>
    internal static void SaveLayers(string path, LinearLayerOptions options, IReadOnlyList<LayerMeasurement> rows)
    {
        int[] batches = [.. rows.Select(row => row.Examples).Distinct()];
        (int FanIn, int FanOut)[] layers = [.. rows.Select(row => (row.FanIn, row.FanOut)).Distinct()];
        double[] least = [0.8 * batches.Min(), 1.25 * batches.Max()];
        Multiplot panels = new();
        panels.RemovePlot(panels.GetPlot(0));
        foreach ((int fanIn, int fanOut) in layers)
        {
            Plot plot = new();
            for (int e = 0; e < LinearLayerExperiment.Estimators.Count; e++)
            {
                double[] examples = [.. Enumerable.Range(0, 65).Select(i => least[0] * Math.Pow(least[1] / least[0], i / 64.0))];
                Line(plot, examples, [.. examples.Select(n => Theory(options with { FanIn = fanIn, FanOut = fanOut }, e, n))], e);
                LayerMeasurement[] points =
                [
                    .. rows.Where(row =>
                        row.FanIn == fanIn && row.FanOut == fanOut && row.Estimator == LinearLayerExperiment.Estimators[e]),
                ];
                Points(
                    plot,
                    [.. points.Select(row => (double)row.Examples)],
                    [.. points.Select(row => row.Measured)],
                    e,
                    LinearLayerExperiment.Estimators[e]);
            }

            Finish(
                plot,
                string.Create(CultureInfo.InvariantCulture, $"linear layer {fanIn}x{fanOut}: lines theory, points measured"),
                "examples in a batch",
                "variance of a number of the estimate",
                batches);
            panels.AddPlot(plot);
        }

        panels.Layout = new ScottPlot.MultiplotLayouts.Columns();
        panels.SavePng(path, Width * layers.Length, Height);
    }

    /// <summary>Relative variance over passes, one line for each rule and scope.</summary>
    internal static void SaveNetwork(string path, string model, IReadOnlyList<NetworkMeasurement> rows)
    {
        Plot plot = new();
        int series = 0;
        foreach (IGrouping<(string Rule, string Losses), NetworkMeasurement> rule in rows.GroupBy(row => (row.Rule, row.Losses)))
        {
            NetworkMeasurement[] points = [.. rule.OrderBy(row => row.Passes)];
            double[] passes = [0.9 * points[0].Passes, 1.1 * points[^1].Passes];
            double once = points.Average(row => row.RelativeVariance * row.Passes);
            Line(plot, passes, [.. passes.Select(m => once / m)], series);
            Points(
                plot,
                [.. points.Select(row => (double)row.Passes)],
                [.. points.Select(row => row.RelativeVariance)],
                series++,
                $"{rule.Key.Rule} {rule.Key.Losses}");
        }

        Finish(
            plot,
            $"{model}: lines fall as 1/passes, points measured",
            "passes",
            "variance / squared gradient",
            [.. rows.Select(row => row.Passes).Distinct()]);
        plot.SavePng(path, Width, Height);
    }

    // The closed form for a number of examples that need not be whole: a linear function of 1 / N.
    private static double Theory(LinearLayerOptions layer, int estimator, double examples)
    {
        double one = LinearLayerExperiment.Theory(estimator, layer with { Examples = 1 });
        double two = LinearLayerExperiment.Theory(estimator, layer with { Examples = 2 });
        double falling = 2 * (one - two);
        return one - falling + (falling / examples);
    }

    private static void Line(Plot plot, double[] x, double[] y, int series)
    {
        ScottPlot.Plottables.Scatter line = plot.Add.ScatterLine(Log(x), Log(y), Colors[series % Colors.Length]);
        line.LineWidth = 1.5f;
    }

    private static void Points(Plot plot, double[] x, double[] y, int series, string label)
    {
        // Where points of two series meet, the later and smaller one leaves a rim of the earlier.
        float size = 13 - (series % Colors.Length);
        ScottPlot.Plottables.Markers points = plot.Add.Markers(
            Log(x), Log(y), Shapes[series % Shapes.Length], size, Colors[series % Colors.Length]);
        points.LegendText = label;
    }

    private static void Finish(Plot plot, string title, string x, string y, IReadOnlyList<int> at)
    {
        plot.Title(title, size: 15);
        plot.XLabel(x, size: 13);
        plot.YLabel(y, size: 13);
        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericManual(
            [.. at.Select(value => Math.Log10(value))], [.. at.Select(value => value.ToString(CultureInfo.InvariantCulture))]);
        plot.Axes.Left.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic
        {
            IntegerTicksOnly = true,
            MinorTickGenerator = new ScottPlot.TickGenerators.LogMinorTickGenerator(),
            LabelFormatter = exponent => Math.Pow(10, exponent).ToString("G9", CultureInfo.InvariantCulture),
        };
        plot.Grid.MinorLineColor = Color.FromHex("#EEEEEE");
        plot.Grid.MinorLineWidth = 1;
        plot.ShowLegend(Edge.Bottom);
    }

    private static double[] Log(double[] values) => [.. values.Select(Math.Log10)];
}
