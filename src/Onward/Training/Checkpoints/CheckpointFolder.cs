using System.Globalization;
using System.Text.RegularExpressions;
using Onward.Formats;

namespace Onward.Training;

/// <summary>The checkpoints of one run in a folder: the last few, and the one of the epoch with the lowest test error.</summary>
/// <remarks>
/// Only one program at a time may write to the folder. File names contain the position in the run, so that they sort by time.
/// </remarks>
public sealed partial class CheckpointFolder
{
    private readonly int _keep;
    private bool _isMade;

    /// <summary>Stores the path of the folder, which need not exist.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="keep">Number of latest checkpoints to keep, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="keep"/> is below 1.</exception>
    public CheckpointFolder(string path, int keep)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        (Path, _keep) = (path, keep);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Writes a checkpoint, then deletes the older ones that are no longer kept.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <exception cref="IOException">The disk is full or the folder cannot be created. Existing checkpoints are left intact.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the folder is denied.</exception>
    public void Save(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);

        // If the parent folder was renamed in the meantime, creating it again would split the run over two places.
        if (!_isMade || Directory.Exists(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))))
        {
            Directory.CreateDirectory(Path);
            _isMade = true;
        }

        (int Epochs, int Steps) now = checkpoint.State.Position;
        checkpoint.Save(System.IO.Path.Combine(Path, Name(now)));

        // Checkpoints later than this one are damaged; otherwise the run would have resumed from them. They are deleted.
        List<Entry> entries = [.. Entries()];
        Entry[] earlier = [.. entries.Where(entry => entry.Position.CompareTo(now) <= 0)];
        (int, int) best = (checkpoint.State.BestEpoch, 0);
        HashSet<Entry> kept = [.. earlier.TakeLast(_keep), .. earlier.Where(entry => entry.Position == best)];
        foreach (Entry entry in entries.Where(entry => !kept.Contains(entry)))
        {
            File.Delete(entry.Path);
        }
    }

    /// <summary>Reads the newest intact checkpoint.</summary>
    /// <param name="damaged">Called with a one-line message for each newer checkpoint that is damaged.</param>
    /// <returns>The checkpoint; null if the folder contains none.</returns>
    /// <exception cref="ModelFileException">No checkpoint is intact, or a newer one cannot be read here or was written by a newer
    /// version.</exception>
    public Checkpoint? LoadNewest(Action<string>? damaged = null)
    {
        List<ModelFileException> faults = [];
        foreach (Entry entry in Entries().Reverse())
        {
            try
            {
                Checkpoint checkpoint = Checkpoint.Load(entry.Path);
                faults.ForEach(fault => damaged?.Invoke(fault.Message));
                return checkpoint;
            }
            catch (ModelFileException fault) when (fault.IsUnreadable)
            {
                // It may be intact, and checkpoints later than the one that a run resumes from are deleted.
                const string Cure = "To resume from an earlier checkpoint, move this one elsewhere.";
                throw new ModelFileException($"{fault.Message} {Cure}", fault) { IsUnreadable = true };
            }
            catch (ModelFileException fault) when (!fault.IsOfNewerVersion)
            {
                faults.Add(fault);
            }
        }

        return faults.Count == 0
            ? null
            : throw new ModelFileException(
                $"{Path}: none of {faults.Count} checkpoint{(faults.Count == 1 ? "" : "s")} is intact; the newest: {faults[0].Message}",
                faults[0]);
    }

    /// <summary>The epochs whose last checkpoint is kept, in order.</summary>
    public IReadOnlyList<int> Epochs => [.. Entries().Where(IsEndOfEpoch).Select(entry => entry.Position.Epochs)];

    /// <summary>Reads the checkpoint taken at the end of an epoch.</summary>
    /// <param name="epoch">The epoch, from 1; one of <see cref="Epochs"/>.</param>
    /// <exception cref="ModelFileException">The checkpoint is missing, damaged, or of a newer version.</exception>
    public Checkpoint LoadEpoch(int epoch) => Checkpoint.Load(System.IO.Path.Combine(Path, Name((epoch, 0))));

    private static bool IsEndOfEpoch(Entry entry) => entry.Position is { Epochs: > 0, Steps: 0 };

    private static string Name((int Epochs, int Steps) position) =>
        string.Create(CultureInfo.InvariantCulture, $"epoch-{position.Epochs:0000}-step-{position.Steps:000000}.safetensors");

    // Sorted by position in the run.
    private IEnumerable<Entry> Entries() => !Directory.Exists(Path) ? [] : Directory.GetFiles(Path)
        .Select(path => (Path: path, Match: FileName().Match(System.IO.Path.GetFileName(path))))
        .Where(file => file.Match.Success)
        .Select(file => new Entry(file.Path, (Number(file.Match, 1), Number(file.Match, 2))))
        .OrderBy(entry => entry.Position);

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^epoch-([0-9]{1,9})-step-([0-9]{1,9})\.safetensors$")]
    private static partial Regex FileName();

    private sealed record Entry(string Path, (int Epochs, int Steps) Position);
}
