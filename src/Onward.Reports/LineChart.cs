using System.Globalization;
using System.Text.Json;

namespace Onward.Reports;

/// <summary>A line of a chart.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Hue">Number of its colour, from 0.</param>
/// <param name="IsDashed">True if it is dashed.</param>
/// <param name="Values">Its values from epoch 1; those that are not finite are left out. [epoch]</param>
internal sealed record ChartLine(string Name, int Hue, bool IsDashed, IReadOnlyList<double> Values);

/// <summary>A chart of values against epochs, as SVG that takes its colours from the page.</summary>
internal sealed class LineChart
{
    /// <summary>Colours that lines can have.</summary>
    internal const int Hues = 8;

    private const double Width = 600, Height = 300, Left = 64, Right = 12, Top = 10, Bottom = 44;

    // The fewest epochs of a line whose points are not marked one by one.
    private const int ManyEpochs = 40;

    // The ratio of values from which the axis is logarithmic.
    private const double WideRatio = 8;

    // The share of the largest value below which the least one lets the axis begin at zero.
    private const double NearZero = 0.75;

    // The most epochs whose values are drawn.
    private const int MostPoints = 1000;

    // The value beyond which a line is drawn along the edge, so that no sum or difference of values is infinite.
    private const double MostValue = 1e300;

    // The least range of an axis beside its values, in which numbers of six digits still tell its ticks apart.
    private const double LeastRange = 1e-4;

    private const int MostTicks = 7;

    private readonly string _title;
    private readonly IReadOnlyList<ChartLine> _lines;
    private readonly int _epochs;
    private readonly int _every;
    private readonly bool _isLogarithmic;
    private readonly double _low;
    private readonly double _high;

    private LineChart(string title, IReadOnlyList<ChartLine> lines, bool isRatio)
    {
        (_title, _epochs) = (title, Math.Max(1, lines.Max(line => line.Values.Count)));
        _every = ((_epochs - 1) / MostPoints) + 1;
        _lines =
        [
            .. lines.Select(line => line with { Values = [.. line.Values.Where((_, i) => (i + 1) % _every == 0).Select(Drawable)] }),
        ];
        double[] values = [.. _lines.SelectMany(line => line.Values).Where(double.IsFinite)];
        double most = values.DefaultIfEmpty(1).Max(), least = values.DefaultIfEmpty(0).Min();
        double leastAboveZero = values.Where(value => value > 0).DefaultIfEmpty(1).Min();
        _isLogarithmic = isRatio && least >= 0 && most / WideRatio > leastAboveZero;
        (_low, _high) = _isLogarithmic ? (leastAboveZero * 0.85, most * 1.15) : Ends(least, most);
    }

    /// <summary>Draws a chart with its title and its legend.</summary>
    /// <param name="title">The title, as text.</param>
    /// <param name="unit">Unit of the values; may be empty.</param>
    /// <param name="note">A note on the lines, as text.</param>
    /// <param name="lines">The lines.</param>
    /// <param name="hasLegend">True to show the names of the solid lines beneath.</param>
    /// <param name="isRatio">True if ratios of values matter; the axis of values of a wide range is then logarithmic.</param>
    internal static string Draw(string title, string unit, string note, IReadOnlyList<ChartLine> lines, bool hasLegend, bool isRatio = true)
    {
        LineChart chart = new(title, lines, isRatio);
        string heading = Html.Text(unit.Length == 0 ? title : $"{title}, {unit}")
            + (chart._isLogarithmic ? " <small>(logarithmic)</small>" : "");
        note = chart._every == 1
            ? note
            : string.Create(CultureInfo.InvariantCulture, $"{note} One epoch in {chart._every} is drawn.").TrimStart();
        string caption = (note.Length == 0 ? "" : Html.Element("p class=\"note\"", Html.Text(note))) + (hasLegend ? Legend(lines) : "");
        return Html.Element(
            "figure class=\"chart\"", Html.Element("h3", heading), chart.Svg(), Html.Element("p class=\"readout\"", "&nbsp;"), caption);
    }

    private static double Drawable(double value) => double.IsFinite(value) ? Math.Clamp(value, -MostValue, MostValue) : double.NaN;

    private static string Legend(IEnumerable<ChartLine> lines) =>
        Html.Element(
            "ul class=\"legend\"",
            lines.Where(line => !line.IsDashed).Select(
                line => Html.Element("li", $"<i class=\"h{line.Hue % Hues}\"></i>", Html.Text(line.Name))));

    private string Svg()
    {
        // The values that the page's script reads off.
        string data = JsonSerializer.Serialize(new
        {
            left = Left,
            right = Width - Right,
            epochs = _epochs,
            every = _every,
            lines = _lines.Select(line => new { name = line.Name, values = line.Values.Select(Show) }),
        });
        return Html.Element(
            $"svg class=\"lines\" role=\"img\" viewBox=\"0 0 {Html.Number(Width)} {Html.Number(Height)}\" "
                + $"aria-label=\"{Html.Text(_title)} by epoch\" data-chart=\"{Html.Text(data)}\"",
            Grid().Concat(_lines.Select(Line)).Append(
                $"<line class=\"cursor\" y1=\"{Html.Number(Top)}\" y2=\"{Html.Number(Height - Bottom)}\" visibility=\"hidden\"/>"));
    }

    private static string Show(double value) => double.IsFinite(value) ? value.ToString("G4", CultureInfo.InvariantCulture) : "-";

    private IEnumerable<string> Grid()
    {
        double bottom = Height - Bottom;
        foreach (double tick in ValueTicks())
        {
            string y = Html.Number(Y(tick)), value = tick.ToString("G6", CultureInfo.InvariantCulture);
            yield return $"<line class=\"grid\" x1=\"{Html.Number(Left)}\" x2=\"{Html.Number(Width - Right)}\" y1=\"{y}\" y2=\"{y}\"/>";
            yield return Tick("end", Left - 6, Y(tick) + 4, value);
        }

        int step = (int)Math.Max(1, NiceStep(_epochs, 8));
        for (int i = 1; i <= _epochs / step; i++)
        {
            int epoch = i * step;
            yield return Tick("middle", X(epoch), bottom + 18, epoch.ToString(CultureInfo.InvariantCulture));
        }

        string left = Html.Number(Left), right = Html.Number(Width - Right), axis = Html.Number(bottom);
        yield return Tick("middle", (Left + Width - Right) / 2, bottom + 36, "epoch");
        yield return $"<line class=\"axis\" x1=\"{left}\" x2=\"{right}\" y1=\"{axis}\" y2=\"{axis}\"/>";
    }

    private static string Tick(string anchor, double x, double y, string text) =>
        $"<text class=\"tick\" text-anchor=\"{anchor}\" x=\"{Html.Number(x)}\" y=\"{Html.Number(y)}\">{Html.Text(text)}</text>";

    private string Line(ChartLine line)
    {
        (int Epoch, double Value)[] points =
        [
            .. line.Values.Select((value, i) => ((i + 1) * _every, value)).Where(point => double.IsFinite(point.value)),
        ];
        string style = $"h{line.Hue % Hues}{(line.IsDashed ? " dashed" : "")}";
        string path = string.Join(' ', points.Select(point => $"{Html.Number(X(point.Epoch))},{Html.Number(Y(point.Value))}"));
        IEnumerable<string> marks = points.Length < ManyEpochs && !(line.IsDashed && points.Length > 1)
            ? points.Select(
                point => $"<circle class=\"{style}\" cx=\"{Html.Number(X(point.Epoch))}\" cy=\"{Html.Number(Y(point.Value))}\" r=\"2.6\"/>")
            : [];
        return $"<polyline class=\"{style}\" points=\"{path}\"/>{string.Concat(marks)}";
    }

    // Room above and below the values; an axis of values near zero begins there.
    private static (double Low, double High) Ends(double least, double most)
    {
        double range = Math.Max(most - least, LeastRange * Math.Max(Math.Abs(least), Math.Abs(most)));
        double margin = Math.Max((0.06 * range) + ((range - (most - least)) / 2), double.Epsilon);
        return least == most
            ? (least >= 0 ? 0 : least - (0.1 * Math.Abs(least)), most + Math.Max(0.1 * Math.Abs(most), 1e-9))
            : (least >= 0 && least < NearZero * most ? 0 : least - margin, most + margin);
    }

    // Ticks are counted: beside large values, a step may be too small to change a sum.
    private IEnumerable<double> ValueTicks()
    {
        if (_isLogarithmic)
        {
            return LogarithmicTicks();
        }

        double step = NiceStep(_high - _low, MostTicks - 1), first = Math.Ceiling(_low / step);
        return Enumerable.Range(0, 2 * MostTicks).Select(i => (first + i) * step).Where(tick => tick >= _low && tick <= _high).Distinct();
    }

    private List<double> LogarithmicTicks()
    {
        int first = (int)Math.Floor(Math.Log10(_low)), powers = (int)Math.Floor(Math.Log10(_high)) - first + 1;
        List<double> ticks = [];
        (double[] Digits, int Step)[] choices = [([1, 2, 3, 5], 1), ([1, 2, 5], 1), ([1, 3], 1), ([1], (powers / MostTicks) + 1)];
        foreach ((double[] digits, int step) in choices)
        {
            ticks =
            [
                .. Enumerable.Range(0, powers).Where(i => i % step == 0)
                    .SelectMany(i => digits.Select(digit => digit * Math.Pow(10, first + i)))
                    .Where(tick => tick >= _low && tick <= _high),
            ];
            if (ticks.Count <= MostTicks)
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
        return new[] { 1.0, 2, 5 }.FirstOrDefault(digit => digit * power >= raw * 0.999, 10) * power;
    }

    // A single epoch stands in the middle.
    private double X(int epoch) =>
        _epochs == 1 ? (Left + Width - Right) / 2 : Left + ((Width - Right - Left) * (epoch - 1) / (_epochs - 1));

    private double Y(double value)
    {
        double share = _isLogarithmic
            ? (Math.Log(Math.Max(value, _low)) - Math.Log(_low)) / (Math.Log(_high) - Math.Log(_low))
            : (value - _low) / (_high - _low);
        return Height - Bottom - ((Height - Bottom - Top) * share);
    }
}
