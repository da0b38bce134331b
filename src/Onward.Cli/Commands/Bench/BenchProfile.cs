using System.Globalization;
using Onward.Engine;

namespace Onward.Cli;

/// <summary>The time of each part of a training step, and the minimum time that it could take on this machine.</summary>
internal static class BenchProfile
{
    /// <summary>One part of a step. All numbers are per image, summed over all threads.</summary>
    /// <param name="Phase">The name of the part.</param>
    /// <param name="Share">The share of the time of all threads, 0 to 1.</param>
    /// <param name="Microseconds">The time in microseconds.</param>
    /// <param name="LeastMicroseconds">
    /// The minimum time in microseconds: the matrix products at the matrix peak, or the bytes at the copying peak, whichever takes longer.
    /// </param>
    /// <param name="Megaflop">The floating-point operations of matrix products, in millions.</param>
    /// <param name="Kilobytes">The bytes that are read or written at least once, in thousands.</param>
    internal sealed record Part(
        string Phase, double Share, double Microseconds, double LeastMicroseconds, double Megaflop, double Kilobytes);

    /// <summary>Divides the time of several steps among the parts of a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="profile">The time that each phase of the steps took.</param>
    /// <param name="total">The elapsed time of the steps.</param>
    /// <param name="images">The number of images in the steps.</param>
    /// <param name="threads">The number of threads.</param>
    /// <param name="flops">The matrix peak of all threads, in operations per second.</param>
    /// <param name="bytes">The copying peak of all threads, in bytes per second.</param>
    internal static IReadOnlyList<Part> Of(
        TrainingStep step, StepProfile profile, TimeSpan total, double images, int threads, double flops, double bytes)
    {
        double whole = total.TotalSeconds * threads;
        double counted = Enum.GetValues<StepPhase>().Sum(phase => profile[phase].Flops);
        List<Part> parts = [];
        foreach (StepPhase phase in Enum.GetValues<StepPhase>())
        {
            PhaseCost cost = profile[phase];
            double left = phase == StepPhase.Differentiation ? Math.Max(0, (step.MatrixFlopsPerExample * images) - counted) : 0;
            Add(Name(phase), cost.Time.TotalSeconds, cost.Flops + left, cost.Bytes);
        }

        Add("waiting and other", Math.Max(0, whole - parts.Sum(part => part.Microseconds * images / 1e6)), 0, 0);
        return parts;

        void Add(string name, double seconds, double operations, double moved) => parts.Add(new Part(
            name,
            Math.Round(seconds / whole, 4),
            Math.Round(seconds / images * 1e6, 3),
            Math.Round(Math.Max(operations / flops, moved / bytes) * threads / images * 1e6, 3),
            Math.Round(operations / images / 1e6, 4),
            Math.Round(moved / images / 1e3, 2)));
    }

    /// <summary>Prints the parts as a table.</summary>
    internal static void Write(IReadOnlyList<Part> parts, Host host)
    {
        TextTable table = new TextTable().Add("part of a step", "share", "us/image", "minimum us", "MFLOP", "kB");
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
