using Onward.Models;

namespace Onward.Cli;

/// <summary>Floating-point operations that an answer takes, in millions for one image; pooling and normalising are not counted.</summary>
internal static class InferenceCost
{
    /// <summary>Of an answer from the head of a block: this block and those before it, with their heads.</summary>
    internal static double OfBlock(LocalMixer model, int block) =>
        model.Blocks.Take(block + 1).Sum(each => each.FlopsPerExample + each.Head.FlopsPerExample) / 1e6;

    /// <summary>Of an answer from the readout, no head of a block asked.</summary>
    internal static double OfReadout(LocalMixer model) => (model.Blocks.Sum(block => block.FlopsPerExample) + model.Readout.FlopsPerExample) / 1e6;

    /// <summary>Of an answer from the readout after no head was sure enough.</summary>
    internal static double AfterAllHeads(LocalMixer model) => OfReadout(model) + (model.Blocks.Sum(block => block.Head.FlopsPerExample) / 1e6);

    /// <summary>On average, where blocks answer the given shares, in percent, and the readout the rest.</summary>
    internal static double Mean(LocalMixer model, IReadOnlyList<double> shares) =>
        (shares.Select((share, k) => share * OfBlock(model, k)).Sum() + ((100 - shares.Sum()) * AfterAllHeads(model))) / 100;

    /// <summary>As a table shows it.</summary>
    internal static string Show(double megaflops) => megaflops.ToString(megaflops < 100 ? "0.000" : "#,##0.0", System.Globalization.CultureInfo.InvariantCulture);
}
