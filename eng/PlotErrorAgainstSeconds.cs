// Plots the curves of run folders: test error against seconds and, if there are control variates, the noise left by them against epochs.
// Folders under one label, for example runs with different seeds, share a colour and a legend entry.
// dotnet run eng/PlotErrorAgainstSeconds.cs -- picture.png "label=folder,folder,..." ...
#:package ScottPlot
#:package SkiaSharp.NativeAssets.Linux.NoDependencies
#:property PublishAot=false

using System.Globalization;
using ScottPlot;

string[] colors = ["#D55E00", "#E69F00", "#0072B2", "#009E73", "#666666"];
Plot errors = new(), noise = new();
foreach ((int series, string argument) in args.Skip(1).Index())
{
    (string label, string[] folders) = (argument.Split('=')[0], argument.Split('=')[1].Split(','));
    Color color = Color.FromHex(colors[series % colors.Length]);
    foreach ((int i, string folder) in folders.Index())
    {
        string[][] lines = [.. File.ReadLines(Path.Combine(folder, "metrics.csv")).Select(line => line.Split(','))];
        double[] Column(string name) => Array.IndexOf(lines[0], name) is >= 0 and int place
            ? [.. lines.Skip(1).Select(cells => double.Parse(cells[place], CultureInfo.InvariantCulture))]
            : [];
        var line = errors.Add.ScatterLine(Logarithms(Column("seconds")), Logarithms(Column("test_error")), color);
        line.LegendText = i == 0 ? label : "";
        if (Column("block_0_noise_left") is { Length: > 0 } left)
        {
            noise.Add.ScatterLine(Column("epoch"), Logarithms(left), color).LegendText = i == 0 ? label : "";
        }
    }
}

errors.Title("error against time");
Axis(errors.Axes.Bottom, "seconds", 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000);
Axis(errors.Axes.Left, "test error, %", 1.5, 2, 3, 4, 6, 10, 20, 30, 40, 50, 60, 70);
errors.ShowLegend(Alignment.UpperRight);
noise.Title("noise left by control variates");
noise.XLabel("epoch");
Axis(noise.Axes.Left, "fraction of the noise without them", 1e-12, 1e-9, 1e-6, 1e-3, 1);
Multiplot panels = new();
panels.RemovePlot(panels.GetPlot(0));
panels.AddPlot(errors);
bool hasNoise = noise.GetPlottables().Any();
if (hasNoise)
{
    panels.AddPlot(noise);
}

panels.Layout = new ScottPlot.MultiplotLayouts.Columns();
panels.SavePng(args[0], hasNoise ? 1200 : 600, 480);

static double[] Logarithms(double[] values) => [.. values.Select(Math.Log10)];

static void Axis(IAxis axis, string label, params double[] ticks)
{
    axis.Label.Text = label;
    axis.SetTicks(Logarithms(ticks), [.. ticks.Select(tick => tick.ToString(CultureInfo.InvariantCulture))]);
}
