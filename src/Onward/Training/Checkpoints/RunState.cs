namespace Onward.Training;

/// <summary>Where a run stands between two steps: all but its numbers, and what it has measured.</summary>
internal sealed record RunState
{
    /// <summary>The epochs that have ended.</summary>
    public required List<EpochMetrics> Epochs { get; init; }

    /// <summary>Steps done in the epoch under way.</summary>
    public int Step { get; set; }

    /// <summary>Steps that the readout of a network without labels has done in it, after those.</summary>
    public int ReadoutStep { get; set; }

    /// <summary>Sum of the readout's losses over the steps of the epoch.</summary>
    public double Loss { get; set; }

    /// <summary>Sums of the local losses. [block]</summary>
    public required double[] BlockLosses { get; init; }

    /// <summary>Images that were met in the epoch.</summary>
    public long Images { get; set; }

    /// <summary>Examples, a view of an image each.</summary>
    public long Examples { get; set; }

    /// <summary>Examples that were wrong.</summary>
    public long Mistakes { get; set; }

    /// <summary>How well the gradients agreed with exact ones at the steps of the epoch that were compared. [step][block]</summary>
    public List<GradientAgreement[]> Gradients { get; init; } = [];

    /// <summary>Losses as the advice is judged by; null in a run that was begun without it, which gets none.</summary>
    public LossHistory? Losses { get; init; }

    /// <summary>The advice given so far, at most one of each kind.</summary>
    public List<TrainingAdvice> Advice { get; init; } = [];

    /// <summary>Time in the steps of the epoch under way.</summary>
    public TimeSpan EpochTrained { get; set; }

    /// <summary>Time in the steps of the epochs that have ended.</summary>
    public TimeSpan Trained { get; set; }

    /// <summary>Time of the run, whenever it was not stopped.</summary>
    public TimeSpan Elapsed { get; set; }

    /// <summary>Where the run stands, in the order of time.</summary>
    internal (int Epochs, int Steps) Position => (Epochs.Count, Step + ReadoutStep);

    /// <summary>
    /// The first epoch of the lowest error on the test set, 0 before there is one; an error that is not a number is never the lowest.
    /// </summary>
    internal int BestEpoch => Epochs.MinBy(epoch => double.IsNaN(epoch.TestError) ? double.PositiveInfinity : epoch.TestError)?.Epoch ?? 0;

    /// <summary>Epochs since that one.</summary>
    internal int EpochsWithoutProgress => Epochs.Count - BestEpoch;

    internal double MeanLoss => Loss / Step;

    internal double ErrorPercent => 100.0 * Mistakes / Examples;

    internal IReadOnlyList<double> MeanBlockLosses => [.. BlockLosses.Select(loss => loss / Step)];

    internal double ImagesPerSecond => Images / EpochTrained.TotalSeconds;

    /// <summary>A run before its first step.</summary>
    internal static RunState Start(int blocks) =>
        new() { Epochs = [], BlockLosses = new double[blocks], Losses = new LossHistory(blocks + 1) };

    /// <summary>The same, for another run to go on from.</summary>
    internal RunState Copy() =>
        this with { Epochs = [.. Epochs], BlockLosses = [.. BlockLosses], Losses = Losses?.Copy(), Gradients = [.. Gradients], Advice = [.. Advice] };

    /// <summary>Takes what a step measured.</summary>
    internal void Add(StepReport result, int images, int views)
    {
        Step++;
        Images += images;
        Examples += images * views;
        Loss += result.ReadoutLoss;
        Mistakes += result.Mistakes;
        Losses?.Add(result);
        for (int k = 0; k < BlockLosses.Length; k++)
        {
            BlockLosses[k] += result.BlockLosses[k];
        }
    }

    /// <summary>Ends the epoch under way and begins the next.</summary>
    internal void End(EpochMetrics epoch)
    {
        Epochs.Add(epoch);
        Trained += EpochTrained;
        (Step, ReadoutStep, Loss, Images, Examples, Mistakes, EpochTrained) = (0, 0, 0, 0, 0, 0, TimeSpan.Zero);
        Array.Clear(BlockLosses);
        Gradients.Clear();
    }

    /// <summary>Whether a run of so many steps and epochs can stand there.</summary>
    internal bool Fits(int epochs, int stepsPerEpoch, int blocks, bool hasReadoutSteps) =>
        Epochs.Count <= epochs
        && Step >= 0 && Step <= (Epochs.Count < epochs ? stepsPerEpoch : 0)
        && ReadoutStep >= 0 && ReadoutStep <= (hasReadoutSteps && Step == stepsPerEpoch ? stepsPerEpoch : 0)
        && BlockLosses.Length == blocks
        && (Losses is null || Losses.Fits(blocks + 1));
}
