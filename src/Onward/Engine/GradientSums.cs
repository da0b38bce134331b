using Onward.Communication;
using Onward.Models;

namespace Onward.Engine;

/// <summary>Sums gradients over the processes that have the same blocks, each block's while the next ones still learn.</summary>
/// <param name="plan">How the steps run.</param>
/// <param name="gradients">The gradients.</param>
internal sealed class GradientSums(StepPlan plan, ParameterVector gradients)
{
    // Of each block and, last, of the final head.
    private readonly Transfer[] _sums = [.. Enumerable.Repeat(Transfer.Done, plan.Model.Blocks.Count + 1)];

    /// <summary>
    /// Begins with a block whose gradients are final. Where a rule makes them of sums of its own, only the head's are left to sum.
    /// </summary>
    internal void Begin(int k)
    {
        MixerBlock block = plan.Model.Blocks[k];
        Begin(k, plan.LeavesOutputGradients ? block.Layers[0].Weight : block.Head.Weight, block.Head.Bias);
    }

    /// <summary>Begins with the final head.</summary>
    internal void BeginFinalHead() => Begin(_sums.Length - 1, plan.Model.FinalHead.Weight, plan.Model.FinalHead.Bias);

    /// <summary>Lets what is under way proceed.</summary>
    internal void Poll()
    {
        foreach (Transfer sum in _sums)
        {
            sum.Poll();
        }
    }

    /// <summary>Returns when all have ended.</summary>
    internal void Wait()
    {
        foreach (Transfer sum in _sums)
        {
            sum.Wait();
        }
    }

    private void Begin(int i, Parameter first, Parameter last) =>
        _sums[i] = plan.Grid.Peers.BeginSum(gradients.Memory[first.Offset..(last.Offset + last.Length)]);
}
