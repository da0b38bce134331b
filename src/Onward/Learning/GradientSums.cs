using Onward.Communication;
using Onward.Models;

namespace Onward.Learning;

/// <summary>Sums gradients over the processes that have the same blocks, each block's while the next ones still learn.</summary>
/// <param name="rule">The rule whose gradients they are.</param>
/// <param name="gradients">The gradients.</param>
internal sealed class GradientSums(LearningRule rule, ParameterVector gradients)
{
    // Of each block and, last, of the final head.
    private readonly Transfer[] _sums = [.. Enumerable.Repeat(Transfer.Done, rule.Model.Blocks.Count + 1)];

    /// <summary>Begins with a block whose gradients are final. Where a rule makes them of sums of its own, only the head's are left to sum.</summary>
    internal void Begin(int k)
    {
        MixerBlock block = rule.Model.Blocks[k];
        Begin(k, rule.LeavesOutputGradients ? block.Layers[0].Weight : block.Head.Weight, block.Head.Bias);
    }

    /// <summary>Begins with the final head.</summary>
    internal void BeginFinalHead() => Begin(_sums.Length - 1, rule.Model.FinalHead.Weight, rule.Model.FinalHead.Bias);

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
        _sums[i] = rule.Grid.Peers.BeginSum(gradients.Memory[first.Offset..(last.Offset + last.Length)]);
}
