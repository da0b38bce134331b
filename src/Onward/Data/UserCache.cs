namespace Onward.Data;

/// <summary>The user's folder for files that can be made or fetched again.</summary>
internal static class UserCache
{
    /// <summary>Finds the folder of a kind of files. It need not exist.</summary>
    /// <param name="kind">Name of the kind.</param>
    internal static string FolderOf(string kind) => Path.Combine(Root(), "onward", kind);

    private static string Root()
    {
        if (OperatingSystem.IsWindows())
        {
            return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        }

        string? root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        return Path.IsPathRooted(root) ? root! : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
    }
}
