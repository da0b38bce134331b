using System.Globalization;
using System.Text;

namespace Onward.Fuzz;

/// <summary>Mutates the metrics of a run: arbitrary tokens, or numbers that are extreme or adjacent, over few or many epochs.</summary>
internal static class MetricsMutation
{
    private static readonly double[] Extremes =
        [
            1e20, 1e300, 1e308, double.MaxValue, 1, 0.1, 1e-300, double.Epsilon, 0, 50, 100, 9007199254740992, 1e16, float.MaxValue,
            double.PositiveInfinity, double.NaN,
        ];

    /// <summary>Makes the change.</summary>
    internal static byte[] Apply(byte[] content, byte[] donor, Draw draw)
    {
        string[] lines = Encoding.UTF8.GetString(content).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (draw.Percent(50))
        {
            return TokenMutation.Apply(content, donor, draw);
        }

        string[] first = lines[1].Split(',');
        int epochs = draw.Pick([2, 2, 2, 3, 40, 1001, 3000]);
        int[] columns = [.. Enumerable.Range(1, first.Length - 1).Where(_ => draw.Percent(30))];
        double value = draw.Pick(Extremes) * draw.Pick([1, 1, 1, -1]);
        Func<double, double> next = draw.Below(4) switch
        {
            0 => number => double.BitIncrement(number),
            1 => number => number + 1,
            2 => number => -number,
            _ => _ => draw.Pick(Extremes),
        };
        StringBuilder text = new(lines[0] + "\n");
        for (int epoch = 1; epoch <= epochs; epoch++)
        {
            string[] cells = [.. first];
            cells[0] = epoch.ToString(CultureInfo.InvariantCulture);
            foreach (int column in columns)
            {
                cells[column] = value.ToString("R", CultureInfo.InvariantCulture);
            }

            value = next(value);
            text.Append(string.Join(',', cells)).Append('\n');
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
