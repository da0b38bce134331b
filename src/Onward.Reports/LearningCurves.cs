using System.Globalization;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Onward.Reports;

/// <summary>A picture of a comparison: error against epoch, a line for each rule.</summary>
/// <remarks>
/// The axis of errors is logarithmic, so that 2 % and 3 % can be told apart beside 90 %. The hue tells the source of
/// the gradients, the pattern the losses.
/// </remarks>
internal static class LearningCurves
{
    private const int Width = 1200;
    private const int Height = 750;

    // The fewest epochs of a run whose points are not marked one by one.
    private const int ManyEpochs = 30;

    // An error of zero is drawn as this one, in percent.
    private const double LeastError = 0.01;

    private static readonly double[] Ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 30, 50, 100];

    private static readonly string[] SansSerifs = ["Segoe UI", "Helvetica Neue", "Noto Sans", "DejaVu Sans", "Liberation Sans", "Arial"];

    /// <summary>Draws the picture into a PNG file.</summary>
    internal static void Save(Comparison comparison, string path)
    {
        using Plot plot = new();
        ComparedRule[] drawn = [.. comparison.Rules.Where(rule => rule.Curve.Count > 0).OrderByDescending(rule => rule.Curve[^1])];
        foreach (ComparedRule rule in drawn)
        {
            AddLine(plot, rule);
        }

        string[] diverged = [.. comparison.Rules.Where(rule => rule.Curve.Count == 0).Select(rule => rule.Rule)];
        plot.Title(diverged.Length == 0 ? comparison.Title : $"{comparison.Title} (diverged: {string.Join(", ", diverged)})", size: 22);
        plot.XLabel("epoch", size: 18);
        plot.YLabel($"{comparison.HeldOut} error, %{(comparison.Rules.All(rule => rule.Seeds == 1) ? "" : ", mean over seeds")}", size: 18);
        plot.Axes.Left.MinimumSize = 80;
        plot.Axes.Bottom.TickLabelStyle.FontSize = 15;
        plot.Axes.Left.TickLabelStyle.FontSize = 15;
        plot.Axes.Left.TickGenerator = new NumericManual(
            [.. Ticks.Select(Math.Log10)], [.. Ticks.Select(tick => tick.ToString(CultureInfo.InvariantCulture))]);
        plot.Axes.Bottom.TickGenerator =
            new NumericAutomatic { IntegerTicksOnly = true, MinorTickGenerator = new EvenlySpacedMinorTickGenerator(1) };
        plot.Grid.MajorLineColor = Colors.Black.WithOpacity(0.12);
        SetLimits(plot, comparison.Options.Epochs, [.. drawn.SelectMany(rule => rule.Curve)]);
        plot.Legend.FontSize = 16;
        plot.Legend.SymbolWidth = 45;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Font.Set(SansSerif());
        plot.ShowLegend(Edge.Right);
        plot.SavePng(path, Width, Height);
    }

    private static void AddLine(Plot plot, ComparedRule rule)
    {
        Scatter line = plot.Add.Scatter(
            Enumerable.Range(1, rule.Curve.Count).Select(epoch => (double)epoch).ToArray(),
            rule.Curve.Select(Height10).ToArray());
        line.LegendText = string.Create(CultureInfo.InvariantCulture, $"{rule.Rule}  {rule.Curve[^1]:0.00} %");
        line.Color = Hue(PaperRules.Get(rule.Rule));
        line.LinePattern = Pattern(PaperRules.Get(rule.Rule));
        line.LineWidth = rule.Rule == PaperRules.Default ? 4 : 2;
        line.MarkerSize = rule.Curve.Count < ManyEpochs ? 7 : 0;
    }

    private static void SetLimits(Plot plot, int epochs, double[] errors)
    {
        double low = errors.Length == 0 ? 0 : Height10(errors.Min());
        double high = errors.Length == 0 ? 2 : Height10(errors.Max());
        double margin = Math.Max(0.05 * (high - low), 0.05);
        plot.Axes.SetLimits(epochs == 1 ? 0 : 1 - (0.01 * epochs), epochs == 1 ? 2 : epochs * 1.01, low - margin, high + margin);
    }

    /// <summary>A font for pictures: what ScottPlot takes by itself is whatever the machine's first is.</summary>
    internal static string SansSerif()
    {
        string[] installed = SKFontManager.Default.GetFontFamilies();
        return SansSerifs.FirstOrDefault(installed.Contains) ?? Fonts.Default;
    }

    private static double Height10(double error) => Math.Log10(Math.Max(error, LeastError));

    /// <summary>The hue of a rule, by the source of its gradients.</summary>
    internal static Color Hue(PaperRule rule) => Color.FromHex(rule.Source switch
    {
        GradientSource.Backpropagation => "#1f5fa8",
        GradientSource.RandomFeedback => "#2e8b57",
        GradientSource.DirectFeedback => "#8e44ad",
        GradientSource.PerturbedWeights => "#e08a00",
        _ => "#c9211e",
    });

    /// <summary>The pattern of a rule, by its losses; the line of the default rule is solid.</summary>
    internal static LinePattern Pattern(PaperRule rule) => rule.Name == PaperRules.Default ? LinePattern.Solid : rule.Losses switch
    {
        RuleLosses.LocalWithinBlock => LinePattern.Dotted,
        RuleLosses.Local => LinePattern.Dashed,
        _ => LinePattern.Solid,
    };
}
