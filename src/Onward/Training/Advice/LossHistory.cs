using System.Text.Json.Serialization;

namespace Onward.Training;

/// <summary>
/// The losses of a run's heads, averaged over windows of steps. Index [head] counts the local heads, then the final head.
/// </summary>
internal sealed record LossHistory
{
    /// <summary>Number of steps in a window.</summary>
    public const int Window = 20;

    // A window's loss may exceed the lowest one by this fraction of the first loss. The noise of single batches stays below it.
    private const double Rise = 0.5;

    /// <summary>Creates the history of a run before its first step.</summary>
    /// <param name="heads">Number of heads.</param>
    internal LossHistory(int heads) =>
        (First, Lowest, Latest, Sums, Risen) = (new double[heads], new double[heads], new double[heads], new double[heads], new int[heads]);

    /// <summary>Creates the history from the values in a checkpoint.</summary>
    [JsonConstructor]
    public LossHistory(int steps, double[] first, double[] lowest, double[] latest, double[] sums, int[] risen) =>
        (Steps, First, Lowest, Latest, Sums, Risen) = (steps, first, lowest, latest, sums, risen);

    /// <summary>Number of steps so far.</summary>
    public int Steps { get; set; }

    /// <summary>Loss of the first step, before any update. [head]</summary>
    public double[] First { get; init; }

    /// <summary>Lowest loss of a window so far. [head]</summary>
    public double[] Lowest { get; init; }

    /// <summary>Loss of the last complete window. [head]</summary>
    public double[] Latest { get; init; }

    /// <summary>Sum of losses in the current window. [head]</summary>
    public double[] Sums { get; init; }

    /// <summary>Number of successive windows whose loss had risen. [head]</summary>
    public int[] Risen { get; init; }

    /// <summary>True if a window has ended with the last step.</summary>
    internal bool WindowEnded => Steps > 0 && Steps % Window == 0;

    /// <summary>Copies the history for another run.</summary>
    internal LossHistory Copy() => new(Steps, [.. First], [.. Lowest], [.. Latest], [.. Sums], [.. Risen]);

    /// <summary>True if the history has the given number of heads.</summary>
    internal bool Fits(int heads) =>
        new[] { First.Length, Lowest.Length, Latest.Length, Sums.Length, Risen.Length }.All(length => length == heads);

    /// <summary>Adds the losses of a step.</summary>
    internal void Add(StepReport report)
    {
        Steps++;
        for (int head = 0; head < Sums.Length; head++)
        {
            double loss = head < report.BlockLosses.Length ? report.BlockLosses[head] : report.ReadoutLoss;
            Sums[head] += loss;
            if (Steps == 1)
            {
                (First[head], Lowest[head]) = (loss, loss);
            }

            if (Steps % Window == 0)
            {
                Latest[head] = Sums[head] / Window;
                Sums[head] = 0;
                Lowest[head] = Math.Min(Lowest[head], Latest[head]);
                Risen[head] = Latest[head] > Lowest[head] + (Rise * First[head]) ? Risen[head] + 1 : 0;
            }
        }
    }
}
