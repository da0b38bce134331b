namespace Onward.Tests.Data;

/// <summary>The true files of MNIST, where this machine has them: in <c>ONWARD_DATA</c>, or in <c>shared/data</c> beside the repository.</summary>
internal static class RealMnist
{
    public static string FolderOrSkip()
    {
        List<string> folders = [];
        if (Environment.GetEnvironmentVariable("ONWARD_DATA") is { Length: > 0 } root)
        {
            folders.AddRange(root, Path.Combine(root, "mnist"));
        }

        for (DirectoryInfo? above = new(AppContext.BaseDirectory); above is not null; above = above.Parent)
        {
            folders.Add(Path.Combine(above.FullName, "shared", "data", "mnist"));
        }

        string? found = folders.Find(folder => File.Exists(Path.Combine(folder, "train-images-idx3-ubyte.gz")));
        Assert.SkipWhen(found is null, "MNIST is not on this machine: name its folder with ONWARD_DATA.");
        return found!;
    }
}
