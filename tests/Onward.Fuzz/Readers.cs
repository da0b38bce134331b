namespace Onward.Fuzz;

/// <summary>Every reader that takes files from outside.</summary>
internal static class Readers
{
    /// <summary>Makes the table.</summary>
    /// <param name="folder">A folder for what seeds need.</param>
    internal static IReadOnlyList<Reader> All(string folder)
    {
        Directory.CreateDirectory(folder);
        return [.. DataReaders.All(), .. ModelReaders.All(folder), .. CommandReaders.All(folder), .. ImageReaders.All()];
    }
}
