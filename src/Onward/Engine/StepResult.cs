using System.Numerics.Tensors;

namespace Onward.Engine;

/// <summary>The losses of a training step on its batch, before the update.</summary>
public sealed class StepResult
{
    internal StepResult(int blocks) => BlockLosses = new double[blocks];

    /// <summary>Mean local loss of each block: the cross-entropy of its classifier, in nats, or the contrastive loss.</summary>
    public double[] BlockLosses { get; }

    /// <summary>Mean loss of the final head, in nats.</summary>
    public double ReadoutLoss { get; internal set; }

    /// <summary>
    /// Number of errors of the final head: wrong classes or, in a self-supervised network, other images than the partner view.
    /// </summary>
    public int Mistakes { get; internal set; }

    /// <summary>True if all losses are finite numbers.</summary>
    public bool IsFinite => double.IsFinite(ReadoutLoss) && TensorPrimitives.IsFiniteAll<double>(BlockLosses);
}
