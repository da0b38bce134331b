using System.Globalization;
using System.Text.Json;

namespace Onward.Cli;

/// <summary>A line of a chart.</summary>
/// <param name="Name">What it is called where the chart is read off.</param>
/// <param name="Hue">Number of its colour, from 0.</param>
/// <param name="IsDashed">Whether it is dashed.</param>
/// <param name="Values">Its values from epoch 1; those that are not finite are left out. [epoch]</param>
internal sealed record ChartLine(string Name, int Hue, bool IsDashed, IReadOnlyList<double> Values);

/// <summary>A chart of values against epochs, as SVG that takes its colours from the page.</summary>
internal sealed class LineChart
{
    /// <summary>Colours that lines can have.</summary>
    internal const int Hues = 8;

    private const double Width = 600, Height = 300, Left = 58, Right = 12, Top = 10, Bottom = 44;

    // The fewest epochs of a line whose points are not marked one by one.
    private const int ManyEpochs = 40;

    // The ratio of values from which the axis is logarithmic.
    private const double WideRatio = 8;

    // The share of the largest value below which the least one lets the axis begin at zero.
    private const double NearZero = 0.75;

    private readonly string _title;
    private readonly IReadOnlyList<ChartLine> _lines;
    private readonly int _epochs;
    private readonly bool _isLogarithmic;
    private readonly double _low;
    private readonly double _high;

    private LineChart(string title, IReadOnlyList<ChartLine> lines, bool isRatio)
    {
        (_title, _lines, _epochs) = (title, lines, Math.Max(1, lines.Max(line => line.Values.Count)));
        double[] values = [.. lines.SelectMany(line => line.Values).Where(double.IsFinite)];
        double most = values.DefaultIfEmpty(1).Max(), least = values.DefaultIfEmpty(0).Min();
        double leastAboveZero = values.Where(value => value > 0).DefaultIfEmpty(1).Min();
        _isLogarithmic = isRatio && least >= 0 && most > WideRatio * leastAboveZero;
        double margin = most > least ? 0.06 * (most - least) : Math.Max(Math.Abs(most) * 0.1, 1e-9);
        (_low, _high) = _isLogarithmic ? (leastAboveZero * 0.85, most * 1.15) : (least >= 0 && (least < NearZero * most || least == most) ? 0 : least - margin, most + margin);
    }

    /// <summary>Draws a chart with its title and its legend.</summary>
    /// <param name="title">What is shown, as text.</param>
    /// <param name="unit">Unit of the values; may be empty.</param>
    /// <param name="note">What else is to be said of the lines, as text.</param>
    /// <param name="lines">The lines.</param>
    /// <param name="hasLegend">Whether the names of the lines are shown beneath, without those of dashed ones.</param>
    /// <param name="isRatio">Whether it is ratios of values that matter, so that the axis of values far apart is logarithmic.</param>
    internal static string Draw(string title, string unit, string note, IReadOnlyList<ChartLine> lines, bool hasLegend, bool isRatio = true)
    {
        LineChart chart = new(title, lines, isRatio);
        string heading = Html.Text(unit.Length == 0 ? title : $"{title}, {unit}") + (chart._isLogarithmic ? " <small>(logarithmic)</small>" : "");
        string caption = (note.Length == 0 ? "" : Html.Element("p class=\"note\"", Html.Text(note))) + (hasLegend ? Legend(lines) : "");
        return Html.Element("figure class=\"chart\"", Html.Element("h3", heading), chart.Svg(), Html.Element("p class=\"readout\"", "&nbsp;"), caption);
    }

    private static string Legend(IEnumerable<ChartLine> lines) =>
        Html.Element("ul class=\"legend\"", lines.Where(line => !line.IsDashed).Select(line => Html.Element("li", $"<i class=\"h{line.Hue % Hues}\"></i>", Html.Text(line.Name))));

    private string Svg()
    {
        // What the page's script reads values off by.
        string data = JsonSerializer.Serialize(
            new { left = Left, right = Width - Right, epochs = _epochs, lines = _lines.Select(line => new { name = line.Name, values = line.Values.Select(value => double.IsFinite(value) ? ((float)value).ToString("G4", CultureInfo.InvariantCulture) : "-") }) });
        return Html.Element(
            $"svg class=\"lines\" role=\"img\" viewBox=\"0 0 {Html.Number(Width)} {Html.Number(Height)}\" aria-label=\"{Html.Text(_title)} by epoch\" data-chart=\"{Html.Text(data)}\"",
            Grid().Concat(_lines.Select(Line)).Append($"<line class=\"cursor\" y1=\"{Html.Number(Top)}\" y2=\"{Html.Number(Height - Bottom)}\" visibility=\"hidden\"/>"));
    }

    private IEnumerable<string> Grid()
    {
        double bottom = Height - Bottom;
        foreach (double tick in ValueTicks())
        {
            string y = Html.Number(Y(tick));
            yield return $"<line class=\"grid\" x1=\"{Html.Number(Left)}\" x2=\"{Html.Number(Width - Right)}\" y1=\"{y}\" y2=\"{y}\"/>";
            yield return $"<text class=\"tick\" text-anchor=\"end\" x=\"{Html.Number(Left - 6)}\" y=\"{Html.Number(Y(tick) + 4)}\">{Html.Text(tick.ToString("G6", CultureInfo.InvariantCulture))}</text>";
        }

        int step = (int)Math.Max(1, NiceStep(_epochs, 8));
        for (int epoch = step == 1 ? 1 : step; epoch <= _epochs; epoch += step)
        {
            yield return $"<text class=\"tick\" text-anchor=\"middle\" x=\"{Html.Number(X(epoch))}\" y=\"{Html.Number(bottom + 18)}\">{epoch.ToString(CultureInfo.InvariantCulture)}</text>";
        }

        yield return $"<text class=\"tick\" text-anchor=\"middle\" x=\"{Html.Number((Left + Width - Right) / 2)}\" y=\"{Html.Number(bottom + 36)}\">epoch</text>";
        yield return $"<line class=\"axis\" x1=\"{Html.Number(Left)}\" x2=\"{Html.Number(Width - Right)}\" y1=\"{Html.Number(bottom)}\" y2=\"{Html.Number(bottom)}\"/>";
    }

    private string Line(ChartLine line)
    {
        (int Epoch, double Value)[] points = [.. line.Values.Select((value, i) => (i + 1, value)).Where(point => double.IsFinite(point.value))];
        string style = $"h{line.Hue % Hues}{(line.IsDashed ? " dashed" : "")}";
        string path = string.Join(' ', points.Select(point => $"{Html.Number(X(point.Epoch))},{Html.Number(Y(point.Value))}"));
        IEnumerable<string> marks = points.Length < ManyEpochs && !(line.IsDashed && points.Length > 1)
            ? points.Select(point => $"<circle class=\"{style}\" cx=\"{Html.Number(X(point.Epoch))}\" cy=\"{Html.Number(Y(point.Value))}\" r=\"2.6\"/>")
            : [];
        return $"<polyline class=\"{style}\" points=\"{path}\"/>{string.Concat(marks)}";
    }

    private List<double> ValueTicks()
    {
        const int Most = 7;
        List<double> ticks = [];
        if (!_isLogarithmic)
        {
            double step = NiceStep(_high - _low, 6);
            for (double k = Math.Ceiling(_low / step); k * step <= _high; k++)
            {
                ticks.Add(k * step);
            }

            return ticks;
        }

        double[][] digits = [[1, 2, 3, 5], [1, 2, 5], [1, 3], [1]];
        foreach (double[] choice in digits)
        {
            ticks = [.. Enumerable.Range(-12, 25).SelectMany(power => choice.Select(digit => digit * Math.Pow(10, power))).Where(tick => tick >= _low && tick <= _high)];
            if (ticks.Count <= Most)
            {
                break;
            }
        }

        return ticks;
    }

    // 1, 2 or 5 times a power of ten, so that there are about as many steps.
    private static double NiceStep(double range, int steps)
    {
        double raw = range / steps, power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        return new[] { 1.0, 2, 5, 10 }.First(digit => digit * power >= raw * 0.999) * power;
    }

    // A single epoch stands in the middle.
    private double X(int epoch) => _epochs == 1 ? (Left + Width - Right) / 2 : Left + ((Width - Right - Left) * (epoch - 1) / (_epochs - 1));

    private double Y(double value)
    {
        double share = _isLogarithmic
            ? Math.Log(Math.Max(value, _low) / _low) / Math.Log(_high / _low)
            : (value - _low) / (_high - _low);
        return Height - Bottom - ((Height - Bottom - Top) * share);
    }
}
