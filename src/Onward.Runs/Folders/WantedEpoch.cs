using System.Globalization;
using Onward.Training;

namespace Onward.Runs;

/// <summary>An epoch that the user asks for.</summary>
/// <param name="Epoch">Its number; null for the epoch of the lowest error.</param>
internal sealed record WantedEpoch(int? Epoch)
{
    private string In(HostWords say) =>
        Epoch is int epoch ? string.Create(CultureInfo.InvariantCulture, $"{say.Setting("epoch")} {epoch}") : say.Setting("best");

    /// <summary>Reads the checkpoint at the end of that epoch.</summary>
    /// <param name="folder">The run's folder.</param>
    internal Checkpoint ReadCheckpoint(string folder)
    {
        CheckpointFolder checkpoints = RunFolder.CheckpointsIn(folder);
        IReadOnlyList<int> kept = checkpoints.Epochs;
        if (kept.Count == 0)
        {
            throw new RunException(say => $"{In(say)}: {folder} keeps no checkpoint of an epoch that has ended. Leave {In(say)} out.");
        }

        int epoch = Epoch ?? checkpoints.LoadNewest()!.BestEpoch;
        return kept.Contains(epoch)
            ? checkpoints.LoadEpoch(epoch)
            : throw new RunException(say =>
                $"{In(say)}: {folder} keeps no checkpoint of epoch {epoch}{(Epoch is null ? " (the lowest error)" : "")}, "
                + $"only of {Show(kept)}. "
                + $"Name {(kept.Count == 1 ? "that" : "one of those")} with {say.Setting("epoch")}.");
    }

    private static string Show(IReadOnlyList<int> epochs)
    {
        string[] numbers = [.. epochs.Select(epoch => epoch.ToString(CultureInfo.InvariantCulture))];
        return numbers.Length == 1 ? $"epoch {numbers[0]}" : $"epochs {string.Join(", ", numbers[..^1])} and {numbers[^1]}";
    }
}
