namespace Onward.Learning;

/// <summary>What a training step measured on its batch before the update.</summary>
public sealed class StepResult
{
    internal StepResult(int blocks) => BlockLosses = new double[blocks];

    /// <summary>Mean cross-entropy of each block's local head, in nats.</summary>
    public double[] BlockLosses { get; }

    /// <summary>Mean cross-entropy of the readout, in nats.</summary>
    public double ReadoutLoss { get; internal set; }

    /// <summary>Examples that the readout got wrong.</summary>
    public int Mistakes { get; internal set; }

    /// <summary>Whether all losses are finite numbers.</summary>
    public bool IsFinite => double.IsFinite(ReadoutLoss) && BlockLosses.All(double.IsFinite);
}
