using System.CommandLine;

namespace Onward.Cli;

/// <summary>The options that shorten a run: fewer images, fewer steps, early stopping.</summary>
internal sealed class LimitChoice
{
    private const int Most = 1_000_000_000;

    private readonly Option<int?> _limitBatches = ValueOption.Whole(
        "--limit-batches", "Maximum number of steps per epoch, for quick trials. Default: one pass over the training set", 1, Most);
    private readonly Option<int?> _limitTestBatches = ValueOption.Whole(
        "--limit-test-batches",
        "Maximum number of batches on which each error is measured. The seed draws the images. Default: all images",
        1,
        Most);
    private readonly Option<int?> _overfitBatches = ValueOption.Whole(
        "--overfit-batches",
        "Overfit N batches: train on them alone, without augmentation, and report errors on them. "
        + "A working setup reaches 0 %. Default: the whole training set",
        1,
        Most);
    private readonly Option<int?> _earlyStop = ValueOption.Whole(
        "--early-stop",
        "Stop the run after N epochs without a new lowest error. Use it with --validation, to keep the test set independent. "
        + "Default: train all epochs",
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

    /// <summary>Reads the options from the command line.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="validation">The size of the validation set.</param>
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
                "--limit-batches does not apply to --overfit-batches, which sets the steps per epoch. Leave one of them out.");
        }

        if (limits.OverfitBatches is not null && limits.LimitTestBatches is not null)
        {
            throw new CommandFault(
                "--limit-test-batches does not apply to --overfit-batches, which reports training errors. Leave one of them out.");
        }

        if (limits.OverfitBatches is not null && validation > 0)
        {
            throw new CommandFault(
                "--validation does not apply to --overfit-batches, which reports training errors. Leave one of them out.");
        }

        return limits;
    }
}
