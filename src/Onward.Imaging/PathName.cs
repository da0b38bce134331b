using System.Text;
using ADRaffy.ENSNormalize;

namespace Onward.Imaging;

/// <summary>Handles names of files and folders that can be written in several ways, or that are not valid text.</summary>
public static class PathName
{
    private const char Replacement = '\uFFFD'; // replaces bytes that are not valid UTF-8

    /// <summary>Composes letters with their marks (Unicode's form NFC), so that names that look the same are equal.</summary>
    /// <remarks>
    /// <see cref="string.Normalize()"/> returns its argument unchanged in programs without culture data, such as this one.
    /// </remarks>
    /// <param name="name">A name.</param>
    public static string Compose(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Ascii.IsValid(name) ? name : ENSNormalize.NF.NFC(name);
    }

    /// <summary>True if a path cannot exist because it was made from bytes that are not valid UTF-8.</summary>
    /// <param name="path">A path, as given by the system or the command line.</param>
    public static bool IsBroken(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.Contains(Replacement) && !Path.Exists(path);
    }

    /// <summary>True if a name in a folder was made from bytes that are not valid UTF-8.</summary>
    internal static bool IsBroken(ReadOnlySpan<char> folder, ReadOnlySpan<char> name) =>
        name.Contains(Replacement) && !Path.Exists(Path.Join(folder, name));
}
