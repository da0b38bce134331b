using System.Text;
using ADRaffy.ENSNormalize;

namespace Onward.Imaging;

/// <summary>Names of files and folders that are more than their letters: written in several ways, or not text at all.</summary>
public static class PathName
{
    private const char Replacement = '\uFFFD'; // stands for bytes that are not UTF-8

    /// <summary>Composes letters and their marks (Unicode's form NFC), so that names that look alike are equal.</summary>
    /// <remarks><see cref="string.Normalize()"/> returns its argument where a program has no culture data, as this one.</remarks>
    /// <param name="name">A name.</param>
    public static string Compose(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Ascii.IsValid(name) ? name : ENSNormalize.NF.NFC(name);
    }

    /// <summary>True if a path names nothing because it was made from bytes that are not valid UTF-8.</summary>
    /// <param name="path">A path, as the system or the command line gave it.</param>
    public static bool IsBroken(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.Contains(Replacement) && !Path.Exists(path);
    }

    /// <summary>True if a name in a folder was made from bytes that are not valid UTF-8.</summary>
    internal static bool IsBroken(ReadOnlySpan<char> folder, ReadOnlySpan<char> name) =>
        name.Contains(Replacement) && !Path.Exists(Path.Join(folder, name));
}
