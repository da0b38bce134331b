namespace Onward.Cli.Tests;

/// <summary>The checkout that the tests were built in.</summary>
internal static class Checkout
{
    /// <summary>Returns the path of a file or folder of the checkout.</summary>
    /// <param name="names">The names from the root of the checkout on.</param>
    internal static string PathOf(params string[] names)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Onward.slnx")))
            {
                return Path.Combine([folder.FullName, .. names]);
            }
        }

        throw new DirectoryNotFoundException($"There is no Onward.slnx above {AppContext.BaseDirectory}; run the tests from a checkout.");
    }
}
