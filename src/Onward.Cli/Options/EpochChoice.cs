using System.CommandLine;

namespace Onward.Cli;

/// <summary>The options <c>--best</c> and <c>--epoch</c>, which choose an epoch of a run by its checkpoint.</summary>
internal sealed class EpochChoice
{
    private readonly Option<bool> _best;
    private readonly Option<int?> _epoch;

    /// <summary>Creates the options.</summary>
    /// <param name="verb">The start of their descriptions, such as "Use the model".</param>
    /// <param name="byDefault">The end of their descriptions.</param>
    internal EpochChoice(string verb, string byDefault = "Default: the last epoch")
    {
        _best = new Option<bool>("--best")
        {
            Description = $"{verb} of the epoch with the lowest validation or test error. {byDefault}",
        };
        _epoch = ValueOption.Whole("--epoch", $"{verb} of epoch N, which must have a checkpoint. {byDefault}", 1);
    }

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_best);
        command.Add(_epoch);
    }

    /// <summary>True if an option is one of the two.</summary>
    internal bool Has(Option option) => option == _best || option == _epoch;

    /// <summary>Returns the epoch that the command line chooses, or null if it chooses none.</summary>
    internal WantedEpoch? Read(ParseResult parse)
    {
        (bool best, int? epoch) = (parse.GetValue(_best), parse.GetValue(_epoch));
        return best && epoch is not null ? throw new CommandFault("--best and --epoch both choose an epoch. Use only one of them.")
            : best || epoch is not null ? new WantedEpoch(epoch) : null;
    }
}
