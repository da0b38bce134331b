namespace Onward.Fuzz;

/// <summary>All readers of files that come from outside.</summary>
internal static class Readers
{
    /// <summary>Creates the readers.</summary>
    /// <param name="folder">Folder for seed files.</param>
    internal static IReadOnlyList<Reader> All(string folder)
    {
        Directory.CreateDirectory(folder);
        return [.. DataReaders.All(), .. ModelReaders.All(folder), .. CommandReaders.All(folder), .. ImageReaders.All()];
    }
}
