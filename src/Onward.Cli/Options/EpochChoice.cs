using System.CommandLine;

namespace Onward.Cli;

/// <summary>The options that choose an epoch of a run among those whose checkpoints are kept: <c>--best</c> and <c>--epoch</c>.</summary>
internal sealed class EpochChoice
{
    private readonly Option<bool> _best;
    private readonly Option<int?> _epoch;

    /// <summary>Makes the options.</summary>
    /// <param name="verb">The start of their help, such as "Take the model".</param>
    /// <param name="byDefault">The end of their help.</param>
    internal EpochChoice(string verb, string byDefault = "Default: the last epoch")
    {
        _best = new Option<bool>("--best")
        {
            Description = $"{verb} of the epoch with the lowest error on validation or test images. {byDefault}",
        };
        _epoch = ValueOption.Whole("--epoch", $"{verb} of epoch N, if its checkpoint is kept. {byDefault}", 1);
    }

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_best);
        command.Add(_epoch);
    }

    /// <summary>True for one of the options.</summary>
    internal bool Has(Option option) => option == _best || option == _epoch;

    /// <summary>The epoch that the command line asks for; null where it asks for none.</summary>
    internal WantedEpoch? Read(ParseResult parse)
    {
        (bool best, int? epoch) = (parse.GetValue(_best), parse.GetValue(_epoch));
        return best && epoch is not null ? throw new CommandFault("--best and --epoch both choose an epoch. Leave one of them out.")
            : best || epoch is not null ? new WantedEpoch(epoch) : null;
    }
}
