using System.CommandLine;
using System.Globalization;
using Onward.Training;

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
    internal Wanted? Read(ParseResult parse)
    {
        (bool best, int? epoch) = (parse.GetValue(_best), parse.GetValue(_epoch));
        return best && epoch is not null ? throw new CommandFault("--best and --epoch both choose an epoch. Leave one of them out.")
            : best || epoch is not null ? new Wanted(epoch) : null;
    }

    /// <summary>An epoch that the command line asks for.</summary>
    /// <param name="Epoch">Its number; null for that of the lowest error.</param>
    internal sealed record Wanted(int? Epoch)
    {
        private string Option => Epoch is int epoch ? string.Create(CultureInfo.InvariantCulture, $"--epoch {epoch}") : "--best";

        /// <summary>Reads the checkpoint at the end of that epoch.</summary>
        /// <param name="folder">The run's folder.</param>
        internal Checkpoint ReadCheckpoint(string folder)
        {
            CheckpointFolder checkpoints = RunFolder.CheckpointsIn(folder);
            IReadOnlyList<int> kept = checkpoints.Epochs;
            if (kept.Count == 0)
            {
                throw new CommandFault($"{Option}: {folder} keeps no checkpoint of an epoch that has ended. Leave {Option} out.");
            }

            int epoch = Epoch ?? checkpoints.LoadNewest()!.BestEpoch;
            return kept.Contains(epoch)
                ? checkpoints.LoadEpoch(epoch)
                : throw new CommandFault(
                    $"{Option}: {folder} keeps no checkpoint of epoch {epoch}{(Epoch is null ? ", that of the lowest error," : "")} but of {Show(kept)}. "
                    + $"Name {(kept.Count == 1 ? "that" : "one of those")} with --epoch.");
        }

        private static string Show(IReadOnlyList<int> epochs)
        {
            string[] numbers = [.. epochs.Select(epoch => epoch.ToString(CultureInfo.InvariantCulture))];
            return numbers.Length == 1 ? $"epoch {numbers[0]}" : $"epochs {string.Join(", ", numbers[..^1])} and {numbers[^1]}";
        }
    }
}
