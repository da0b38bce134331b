using System.CommandLine;

namespace Onward.Cli;

/// <summary>The options that make a run short: fewer images, fewer steps, an earlier end.</summary>
internal sealed class LimitChoice
{
    private const int Most = 1_000_000_000;

    private readonly Option<int?> _limitBatches = ValueOption.Whole(
        "--limit-batches", "Steps of an epoch at most, to try things out. Default: all that the images give", 1, Most);
    private readonly Option<int?> _limitTestBatches = ValueOption.Whole(
        "--limit-test-batches",
        "Batches of images that errors are measured on at most, drawn by the seed, of test and training images alike. Default: all images",
        1,
        Most);
    private readonly Option<int?> _overfitBatches = ValueOption.Whole(
        "--overfit-batches",
        "Train on the images of N batches alone, unchanged, and report errors on them: a network and a rule that can learn come to 0 %",
        1,
        Most);
    private readonly Option<int?> _earlyStop = ValueOption.Whole(
        "--early-stop",
        "End the run after N epochs without a new lowest error; choose by --validation, so that the test set stays a test",
        1,
        Most);

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_limitBatches);
        command.Add(_limitTestBatches);
        command.Add(_overfitBatches);
        command.Add(_earlyStop);
    }

    /// <summary>What the command line says.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="validation">Images that it holds out.</param>
    internal LimitSettings Read(ParseResult parse, int validation)
    {
        LimitSettings limits = new(
            parse.GetValue(_limitBatches),
            parse.GetValue(_overfitBatches),
            parse.GetValue(_earlyStop))
        { LimitTestBatches = parse.GetValue(_limitTestBatches) };
        if (limits.OverfitBatches is not null && limits.LimitBatches is not null)
        {
            throw new CommandFault(
                "--limit-batches means nothing to --overfit-batches, which says how many batches an epoch has. Leave one of them out.");
        }

        if (limits.OverfitBatches is not null && limits.LimitTestBatches is not null)
        {
            throw new CommandFault(
                "--limit-test-batches means nothing to --overfit-batches, whose errors are those on the images that are learnt. Leave one of them out.");
        }

        if (limits.OverfitBatches is not null && validation > 0)
        {
            throw new CommandFault(
                "--validation means nothing to --overfit-batches, whose errors are those on the images that are learnt. Leave one of them out.");
        }

        return limits;
    }
}
