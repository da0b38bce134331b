namespace Onward.Training;

/// <summary>State of a run between two steps, without its parameters: the position in the run and the measurements so far.</summary>
internal sealed record RunState
{
    /// <summary>The finished epochs.</summary>
    public required List<EpochMetrics> Epochs { get; init; }

    /// <summary>Number of steps done in the current epoch.</summary>
    public int Step { get; set; }

    /// <summary>
    /// Number of readout steps done in the current epoch. In a self-supervised run, they follow the steps of the network.
    /// </summary>
    public int ReadoutStep { get; set; }

    /// <summary>Sum of the readout's losses over the steps of the current epoch.</summary>
    public double Loss { get; set; }

    /// <summary>Sums of the local losses over the steps of the current epoch. [block]</summary>
    public required double[] BlockLosses { get; init; }

    /// <summary>Number of training images in the current epoch so far.</summary>
    public long Images { get; set; }

    /// <summary>Number of examples in the current epoch so far; each view of an image is one example.</summary>
    public long Examples { get; set; }

    /// <summary>Number of examples in the current epoch that were classified wrongly.</summary>
    public long Mistakes { get; set; }

    /// <summary>Agreement of the gradients with exact ones at the compared steps of the current epoch. [step][block]</summary>
    public List<GradientAgreement[]> Gradients { get; init; } = [];

    /// <summary>
    /// Loss history that advice is based on. Null if the run was started by a version without it; such a run gets no advice.
    /// </summary>
    public LossHistory? Losses { get; init; }

    /// <summary>The advice given so far, at most one of each kind.</summary>
    public List<TrainingAdvice> Advice { get; init; } = [];

    /// <summary>Training time of the current epoch, without evaluation.</summary>
    public TimeSpan EpochTrained { get; set; }

    /// <summary>Training time of the finished epochs, without evaluation.</summary>
    public TimeSpan Trained { get; set; }

    /// <summary>Total time of the run, without interruptions.</summary>
    public TimeSpan Elapsed { get; set; }

    /// <summary>The position in the run, which sorts by time.</summary>
    internal (int Epochs, int Steps) Position => (Epochs.Count, Step + ReadoutStep);

    /// <summary>
    /// The epoch with the lowest test error, the first one if several are equal; 0 if there is none. NaN counts as infinite.
    /// </summary>
    internal int BestEpoch =>
        Epochs.MinBy(epoch => double.IsNaN(epoch.TestError) ? double.PositiveInfinity : epoch.TestError)?.Epoch ?? 0;

    /// <summary>Number of epochs since <see cref="BestEpoch"/>.</summary>
    internal int EpochsWithoutProgress => Epochs.Count - BestEpoch;

    internal double MeanLoss => Loss / Step;

    internal double ErrorPercent => 100.0 * Mistakes / Examples;

    internal IReadOnlyList<double> MeanBlockLosses => [.. BlockLosses.Select(loss => loss / Step)];

    internal double ImagesPerSecond => Images / EpochTrained.TotalSeconds;

    /// <summary>Creates the state of a run before its first step.</summary>
    internal static RunState Start(int blocks) =>
        new() { Epochs = [], BlockLosses = new double[blocks], Losses = new LossHistory(blocks + 1) };

    /// <summary>Copies the state, so that another run can continue from it.</summary>
    internal RunState Copy() => this with
    {
        Epochs = [.. Epochs],
        BlockLosses = [.. BlockLosses],
        Losses = Losses?.Copy(),
        Gradients = [.. Gradients],
        Advice = [.. Advice],
    };

    /// <summary>Adds the measurements of a step.</summary>
    /// <param name="result">The measurements.</param>
    /// <param name="images">Images of the step.</param>
    /// <param name="answers">Answers of the final head for each image.</param>
    internal void Add(StepReport result, int images, int answers)
    {
        Step++;
        Images += images;
        Examples += (long)images * answers;
        Loss += result.ReadoutLoss;
        Mistakes += result.Mistakes;
        Losses?.Add(result);
        for (int k = 0; k < BlockLosses.Length; k++)
        {
            BlockLosses[k] += result.BlockLosses[k];
        }
    }

    /// <summary>Ends the current epoch and starts the next.</summary>
    internal void End(EpochMetrics epoch)
    {
        Epochs.Add(epoch);
        Trained += EpochTrained;
        (Step, ReadoutStep, Loss, Images, Examples, Mistakes, EpochTrained) = (0, 0, 0, 0, 0, 0, TimeSpan.Zero);
        Array.Clear(BlockLosses);
        Gradients.Clear();
    }

    /// <summary>True if the state is possible in a run with these numbers of epochs, steps and blocks.</summary>
    internal bool Fits(int epochs, int stepsPerEpoch, int blocks, bool hasReadoutSteps) =>
        Epochs.Count <= epochs
        && Step >= 0 && Step <= (Epochs.Count < epochs ? stepsPerEpoch : 0)
        && ReadoutStep >= 0 && ReadoutStep <= (hasReadoutSteps && Step == stepsPerEpoch ? stepsPerEpoch : 0)
        && BlockLosses.Length == blocks
        && (Losses is null || Losses.Fits(blocks + 1));
}
