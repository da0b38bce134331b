using Onward.Models;

namespace Onward.Training;

/// <summary>
/// Counts the floating-point operations of a prediction, in millions per image. Pooling and normalisation are not counted.
/// </summary>
public static class InferenceCost
{
    /// <summary>Counts a prediction that exits at a block: this block and the blocks before it, with their heads.</summary>
    /// <param name="model">The network.</param>
    /// <param name="block">Index of the block, from 0.</param>
    public static double OfBlock(Network model, int block) =>
        model.Blocks.Take(block + 1).Sum(each => each.FlopsPerExample + each.Head.FlopsPerExample) / 1e6;

    /// <summary>Counts a prediction of the readout without early exit, so that no local head is evaluated.</summary>
    /// <param name="model">The network.</param>
    public static double OfReadout(Network model) =>
        (model.Blocks.Sum(block => block.FlopsPerExample) + model.Readout.FlopsPerExample) / 1e6;

    /// <summary>Counts a prediction of the readout after every local head was evaluated without reaching the confidence.</summary>
    /// <param name="model">The network.</param>
    public static double AfterAllHeads(Network model) =>
        OfReadout(model) + (model.Blocks.Sum(block => block.Head.FlopsPerExample) / 1e6);

    /// <summary>Counts the average prediction with early exit.</summary>
    /// <param name="model">The network.</param>
    /// <param name="shares">Percentage of images that exit at each block; the others reach the readout. [block]</param>
    public static double Mean(Network model, IReadOnlyList<double> shares) =>
        (shares.Select((share, k) => share * OfBlock(model, k)).Sum() + ((100 - shares.Sum()) * AfterAllHeads(model))) / 100;
}
