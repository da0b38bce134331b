using Onward.Losses;
using Onward.Models;

namespace Onward.Engine;

/// <summary>
/// A learning rule: computes the gradient of each layer's output, or an estimate of it. A <see cref="TrainingStep"/> calls it, and does
/// all the rest of a step.
/// </summary>
/// <remarks>
/// To write a rule of your own, override <see cref="Differentiate"/>, and <see cref="Prepare"/> if the rule needs memory. No other member
/// has to be overridden.
/// </remarks>
public abstract class LearningRule
{
    private TrainingStep? _step;

    /// <summary>Creates a rule that serves no step yet.</summary>
    /// <param name="locality">
    /// The reach of the losses, which decides if <see cref="Differentiate"/> receives one block or all blocks.
    /// </param>
    /// <param name="trainsHeads">True if the local heads learn from their own losses; the final head always does.</param>
    /// <param name="loss">Settings of the losses; null for the defaults.</param>
    /// <exception cref="ArgumentException">A setting of the loss is out of range.</exception>
    protected LearningRule(Locality locality, bool trainsHeads, TrainingLoss? loss = null)
    {
        (Locality, TrainsHeads, Loss) = (locality, trainsHeads, loss ?? new TrainingLoss());
        Loss.Validate();
    }

    /// <summary>The reach of the losses.</summary>
    public Locality Locality { get; }

    /// <summary>True if the local heads learn from their own losses; the final head always does.</summary>
    public bool TrainsHeads { get; }

    /// <summary>Settings of the losses.</summary>
    public TrainingLoss Loss { get; }

    /// <summary>
    /// The rule in words: its name and its settings. <see cref="TrainingStep.Description"/> adds the settings of the loss.
    /// </summary>
    public string Description => string.Join(", ", [GetType().Name, .. Settings]);

    /// <summary>The step that the rule serves.</summary>
    /// <exception cref="InvalidOperationException">The rule serves no step yet.</exception>
    protected TrainingStep Step => _step ?? throw new InvalidOperationException("The rule serves no training step yet.");

    /// <summary>
    /// The settings of the rule that change its gradients, in words, including its seeds; by default none. A run can only be resumed with
    /// the same settings.
    /// </summary>
    protected virtual IEnumerable<string> Settings => [];

    /// <summary>Bytes of the rule's own memory.</summary>
    protected internal virtual long RuleBytes => 0;

    /// <summary>True if weight gradients are products of inputs with the output gradients that the rule computes.</summary>
    internal virtual bool LeavesOutputGradients => true;

    /// <summary>
    /// True if each slice of the gradients is final as soon as the last wave has computed it: the rule changes no gradient when the step is
    /// complete.
    /// </summary>
    internal virtual bool GradientsAreFinalInSlices => false;

    /// <summary>True if blocks can be frozen: the rule reads nothing that only a trained block computes.</summary>
    internal virtual bool AllowsFrozenBlocks => true;

    /// <summary>Matrices that the rule fits to the waves of its steps; null if it fits nothing.</summary>
    internal virtual WaveFit? Fit => null;

    /// <summary>Multiply-adds of one example's values in a block.</summary>
    protected static double ValueMultiplyAdds(NetworkBlock block) =>
        block.FlopsPerExample / 2.0;

    /// <summary>
    /// Floating-point operations in the matrix products of one example's step in one block, without a comparison of examples. The default
    /// counts values and weight gradients. Called before <see cref="Prepare"/>.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="block">One of its blocks.</param>
    protected internal virtual double RuleFlopsOf(Network network, NetworkBlock block) => 4.0 * ValueMultiplyAdds(block);

    /// <summary>Allocates what the rule needs for the network of a step, and for its threads. Called once.</summary>
    /// <param name="training">The step, with its network, its threads and its tiles.</param>
    /// <exception cref="ArgumentException">The rule cannot train the network.</exception>
    protected virtual void Prepare(TrainingStep training)
    {
    }

    /// <summary>Begins a step, before the first tile.</summary>
    /// <param name="number">The step's number.</param>
    /// <param name="batch">Examples in this process's share of the batch.</param>
    protected internal virtual void BeginStep(uint number, int batch)
    {
    }

    /// <summary>
    /// Computes the output gradient of each layer (<see cref="BlockTile.Gradient"/>): in one block if the rule is local to a block, else
    /// in all blocks. Called on the thread that works on the tile, so a rule needs memory of its own for each
    /// <see cref="BlockTile.Worker"/>.
    /// </summary>
    /// <param name="tiles">The tile in its block, or in all blocks in order.</param>
    protected internal abstract void Differentiate(ReadOnlySpan<BlockTile> tiles);

    /// <summary>Completes a step, after the last tile.</summary>
    protected internal virtual void CompleteStep()
    {
    }

    /// <summary>Prepares the rule for the only step that it serves.</summary>
    /// <exception cref="InvalidOperationException">The rule serves another step.</exception>
    internal void Serve(TrainingStep step)
    {
        if (_step is not null)
        {
            throw new InvalidOperationException("A rule serves one training step; create another rule for another step.");
        }

        _step = step;
        Prepare(step);
    }
}
