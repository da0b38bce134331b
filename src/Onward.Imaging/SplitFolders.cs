using Onward.Data;

namespace Onward.Imaging;

/// <summary>The folders of a data set's splits, which are recognised by their names in upper or lower case.</summary>
/// <param name="Training">Folder with the training images; the data set's own folder if it has no splits.</param>
/// <param name="Validation">Folder with the validation images; null if there is none.</param>
/// <param name="Test">Folder with the test images; null if there is none.</param>
/// <param name="Classes">Names of the class folders in <paramref name="Training"/>.</param>
internal sealed record SplitFolders(string Training, string? Validation, string? Test, string[] Classes)
{
    private static readonly string[] TrainingNames = ["train", "training"];
    private static readonly string[] ValidationNames = ["val", "valid", "validation", "dev"];
    private static readonly string[] TestNames = ["test", "testing"];

    /// <summary>Finds the splits.</summary>
    /// <remarks>
    /// If no folder with the name of a split contains folders, and other folders lie next to them, all of them are classes.
    /// </remarks>
    /// <param name="folder">Folder of the data set.</param>
    /// <param name="leftOut">Counts what lies next to the splits or the classes.</param>
    /// <exception cref="DataException">A folder is missing or unreadable, or there are two folders for one split.</exception>
    internal static SplitFolders Of(string folder, LeftOut leftOut)
    {
        string[] names = FolderListing.Folders(folder, leftOut);
        (string? training, string? validation, string? test) =
            (Find(folder, names, TrainingNames), Find(folder, names, ValidationNames), Find(folder, names, TestNames));
        string[] splits = [.. new[] { training, validation, test }.OfType<string>()];
        string[] others = [.. names.Except(splits)];
        if (names.Length == 0)
        {
            throw new DataException($"{folder}: no folder train in it, nor one of a class. Sort the images into folders of their classes.");
        }

        if (others.Length > 0 && !splits.Any(split => FolderListing.Folders(Path.Combine(folder, split)).Length > 0))
        {
            return new(folder, null, null, names);
        }

        if (training is null)
        {
            throw new DataException(
                $"{folder}: no folder train in it, beside {splits[0]}. Add one with a folder for each class; "
                + $"to evaluate alone, name {Path.Combine(folder, splits[0])}.");
        }

        training = Path.Combine(folder, training);
        if (splits.Length == 1 && others.Length > 0)
        {
            throw new DataException(
                $"{folder}: train and {others[0]} in it, but no folder val or test. Add one, or name {training} to have it split.");
        }

        foreach (string other in others)
        {
            leftOut.Add(LeftOut.Reason.NoSplit, folder, other);
        }

        return new(
            training,
            validation is null ? null : Path.Combine(folder, validation),
            test is null ? null : Path.Combine(folder, test),
            Required(training, FolderListing.Folders(training, leftOut)));
    }

    /// <summary>Requires that a folder contains folders.</summary>
    internal static string[] Required(string folder, string[] names) => names.Length > 0
        ? names
        : throw new DataException(
            $"{folder}: no folders in it, expected one for each class with its images. Sort the images into folders of their classes.");

    private static string? Find(string folder, string[] names, string[] known)
    {
        string[] found = [.. names.Where(name => known.Contains(name, StringComparer.OrdinalIgnoreCase))];
        return found.Length < 2
            ? found.FirstOrDefault()
            : throw new DataException(
                $"{folder}: both {found[0]} and {found[1]} in it, which mean the same split. Keep one, or merge them.");
    }
}
