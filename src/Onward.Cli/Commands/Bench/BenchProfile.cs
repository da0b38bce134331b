using System.Globalization;
using Onward.Engine;

namespace Onward.Cli;

/// <summary>Where the steps of a benchmark spend their time, beside the least that each part could take on this machine.</summary>
internal static class BenchProfile
{
    /// <summary>One part of a step, all numbers for one image and of all threads together.</summary>
    /// <param name="Phase">Its name.</param>
    /// <param name="Share">Its share of the threads' time, 0 to 1.</param>
    /// <param name="Microseconds">Time of threads.</param>
    /// <param name="LeastMicroseconds">
    /// What its matrix products take at the matrix peak or its bytes at the copying peak, whichever is longer.
    /// </param>
    /// <param name="Megaflop">Millions of floating-point operations in matrix products.</param>
    /// <param name="Kilobytes">Thousands of bytes that are read or written at least once.</param>
    internal sealed record Part(
        string Phase, double Share, double Microseconds, double LeastMicroseconds, double Megaflop, double Kilobytes);

    /// <summary>Breaks the time of some steps down.</summary>
    /// <param name="rule">The rule, with the profile of the steps.</param>
    /// <param name="profile">What the steps spent in the rule.</param>
    /// <param name="total">Time of the steps.</param>
    /// <param name="images">Images in the steps.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="flops">The matrix peak of all threads, operations a second.</param>
    /// <param name="bytes">The copying peak of all threads, bytes a second.</param>
    internal static IReadOnlyList<Part> Of(
        LearningRule rule, StepProfile profile, TimeSpan total, double images, int threads, double flops, double bytes)
    {
        double whole = total.TotalSeconds * threads;
        double counted = Enum.GetValues<StepPhase>().Sum(phase => profile[phase].Flops);
        List<Part> parts = [];
        foreach (StepPhase phase in Enum.GetValues<StepPhase>())
        {
            PhaseCost cost = profile[phase];
            double left = phase == StepPhase.Differentiation ? Math.Max(0, (rule.MatrixFlopsPerExample * images) - counted) : 0;
            Add(Name(phase), cost.Time.TotalSeconds, cost.Flops + left, cost.Bytes);
        }

        Add("waiting and the rest", Math.Max(0, whole - parts.Sum(part => part.Microseconds * images / 1e6)), 0, 0);
        return parts;

        void Add(string name, double seconds, double operations, double moved) => parts.Add(new Part(
            name,
            Math.Round(seconds / whole, 4),
            Math.Round(seconds / images * 1e6, 3),
            Math.Round(Math.Max(operations / flops, moved / bytes) * threads / images * 1e6, 3),
            Math.Round(operations / images / 1e6, 4),
            Math.Round(moved / images / 1e3, 2)));
    }

    /// <summary>Writes the parts as a table.</summary>
    internal static void Write(IReadOnlyList<Part> parts, Host host)
    {
        TextTable table = new TextTable().Add("part of a step", "share", "us an image", "at least", "MFLOP", "kB");
        foreach (Part part in parts)
        {
            table.Add(
                part.Phase,
                Number($"{100 * part.Share:0.0} %"),
                Number($"{part.Microseconds:0.0}"),
                Number($"{part.LeastMicroseconds:0.0}"),
                Number($"{part.Megaflop:0.00}"),
                Number($"{part.Kilobytes:0.0}"));
        }

        host.Out.WriteLine();
        table.Write(host.Out, host.OutWidth());
    }

    private static string Number(FormattableString number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Name(StepPhase phase) => phase switch
    {
        StepPhase.PackWeights => "packing weights",
        StepPhase.Values => "values",
        StepPhase.Losses => "losses",
        StepPhase.Differentiation => "differentiation",
        StepPhase.PackGradients => "packing gradients",
        StepPhase.WeightGradients => "weight gradients",
        _ => "update",
    };
}
