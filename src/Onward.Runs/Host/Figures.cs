using System.Globalization;

namespace Onward.Runs;

/// <summary>Formats durations and errors for people.</summary>
internal static class Figures
{
    /// <summary>Hours, minutes and seconds; below a minute, seconds and their tenths.</summary>
    internal static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00} h")
        : time.TotalMinutes >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00} min")
            : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s");

    /// <summary>An error.</summary>
    internal static string Percent(double error) => string.Create(CultureInfo.InvariantCulture, $"{error:0.00} %");

    /// <summary>Converts a loss in nats to bits.</summary>
    internal static double BitsOf(double nats) => nats / Math.Log(2);

    /// <summary>A loss in nats, as bits per character.</summary>
    internal static string Bits(double nats) => BitsOf(nats).ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>Shows millions of operations: three digits after the point below 100, one above.</summary>
    internal static string Megaflops(double megaflops) =>
        megaflops.ToString(megaflops < 100 ? "0.000" : "#,##0.0", CultureInfo.InvariantCulture);
}
