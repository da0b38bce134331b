using Onward.Communication;
using Onward.Models;

namespace Onward.Engine;

/// <summary>
/// Sums gradients over the processes that have the same blocks. The sum of a block proceeds while later blocks still learn.
/// </summary>
/// <param name="plan">The plan of the steps.</param>
/// <param name="gradients">The gradients.</param>
internal sealed class GradientSums(StepPlan plan, ParameterVector gradients)
{
    // The sum of each block and, last, of the final head.
    private readonly Transfer[] _sums = [.. Enumerable.Repeat(Transfer.Done, plan.Model.Blocks.Count + 1)];

    /// <summary>
    /// Begins the sum of a block whose gradients are final. If a rule computes them from sums of its own, only the head's are summed.
    /// </summary>
    internal void Begin(int k)
    {
        NetworkBlock block = plan.Model.Blocks[k];
        Begin(k, plan.LeavesOutputGradients ? block.FirstParameter : block.Head.Weight, block.Head.Bias);
    }

    /// <summary>Begins the sum of the final head.</summary>
    internal void BeginFinalHead() => Begin(_sums.Length - 1, plan.Model.FinalHead.Weight, plan.Model.FinalHead.Bias);

    /// <summary>Lets sums under way proceed.</summary>
    internal void Poll()
    {
        foreach (Transfer sum in _sums)
        {
            sum.Poll();
        }
    }

    /// <summary>Waits until all sums are complete.</summary>
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
