namespace Onward.Tests.Data;

/// <summary>
/// The original files of a data set, if this machine has them: in <c>ONWARD_DATA</c>, or in <c>shared/data</c> next to the repository.
/// </summary>
internal static class RealData
{
    public static string FolderOrSkip(string name, string file)
    {
        List<string> folders = [];
        if (Environment.GetEnvironmentVariable("ONWARD_DATA") is { Length: > 0 } root)
        {
            folders.AddRange(root, Path.Combine(root, name));
        }

        for (DirectoryInfo? above = new(AppContext.BaseDirectory); above is not null; above = above.Parent)
        {
            folders.Add(Path.Combine(above.FullName, "shared", "data", name));
        }

        string? found = folders.Find(folder => File.Exists(Path.Combine(folder, file)));
        Assert.SkipWhen(found is null, $"{name} is not on this machine: name its folder with ONWARD_DATA.");
        return found!;
    }
}
