using Onward.Models;

namespace Onward.Training;

/// <summary>
/// Counts the floating-point operations of an answer, in millions for one image; pooling and normalisation are not counted.
/// </summary>
public static class InferenceCost
{
    /// <summary>Counts an answer from the head of a block: this block and the blocks before it, with their heads.</summary>
    /// <param name="model">The network.</param>
    /// <param name="block">The block's place, from 0.</param>
    public static double OfBlock(LocalMixer model, int block) =>
        model.Blocks.Take(block + 1).Sum(each => each.FlopsPerExample + each.Head.FlopsPerExample) / 1e6;

    /// <summary>Counts an answer from the readout, where no block's head is evaluated.</summary>
    /// <param name="model">The network.</param>
    public static double OfReadout(LocalMixer model) =>
        (model.Blocks.Sum(block => block.FlopsPerExample) + model.Readout.FlopsPerExample) / 1e6;

    /// <summary>Counts an answer from the readout after every block's head was evaluated.</summary>
    /// <param name="model">The network.</param>
    public static double AfterAllHeads(LocalMixer model) =>
        OfReadout(model) + (model.Blocks.Sum(block => block.Head.FlopsPerExample) / 1e6);

    /// <summary>Counts an answer on average, where blocks answer the given shares and the readout the rest.</summary>
    /// <param name="model">The network.</param>
    /// <param name="shares">The share of images that each block answers, in percent. [block]</param>
    public static double Mean(LocalMixer model, IReadOnlyList<double> shares) =>
        (shares.Select((share, k) => share * OfBlock(model, k)).Sum() + ((100 - shares.Sum()) * AfterAllHeads(model))) / 100;
}
