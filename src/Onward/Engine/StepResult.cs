namespace Onward.Engine;

/// <summary>What a training step measured on its batch before the update.</summary>
public sealed class StepResult
{
    internal StepResult(int blocks) => BlockLosses = new double[blocks];

    /// <summary>Mean local loss of each block: of its classifier, in nats, or whatever else the heads learn.</summary>
    public double[] BlockLosses { get; }

    /// <summary>Mean loss of the final head, in nats.</summary>
    public double ReadoutLoss { get; internal set; }

    /// <summary>Examples that the final head got wrong: their class or, where it projects, the other view of their image.</summary>
    public int Mistakes { get; internal set; }

    /// <summary>Whether all losses are finite numbers.</summary>
    public bool IsFinite => double.IsFinite(ReadoutLoss) && BlockLosses.All(double.IsFinite);
}
