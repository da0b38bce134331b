using System.IO.Enumeration;
using Onward.Data;

namespace Onward.Imaging;

/// <summary>Lists folders and image files without opening any file.</summary>
/// <remarks>
/// Names that begin with a dot are hidden and ignored, and so are folders that operating systems and programs create for
/// themselves.
/// </remarks>
internal static class FolderListing
{
    // Extensions of the formats that the decoder reads, whatever a file is called. The first ones name each format once.
    private static readonly string[] Read = [".jpg", ".png", ".gif", ".bmp", ".webp", ".jpeg", ".jpe", ".jfif", ".dib"];

    // Extensions of other image formats. Users are told about such files, because they may expect them to be read.
    private static readonly string[] NotRead =
    [
        ".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".jpx", ".jxr", ".svg", ".psd", ".tga", ".exr", ".hdr", ".ico",
        ".pcx", ".ppm", ".pgm", ".pbm", ".pnm", ".qoi", ".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".dcm",
    ];

    // Folders of Synology and QNAP, macOS archives, file system checks, Windows and Python.
    private static readonly string[] FoldersOfSystems =
    [
        "@eaDir", "@Recycle", "@Recently-Snapshot", "#recycle", "#snapshot", "__MACOSX", "lost+found", "$RECYCLE.BIN",
        "System Volume Information", "__pycache__",
    ];

    private static readonly string[] FilesOfSystems = ["Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r"];

    /// <summary>Lists the folders in a folder, sorted by name.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="leftOut">Counts the images that lie next to the folders.</param>
    /// <exception cref="DataException">The folder cannot be listed, or it contains a folder whose name is not valid UTF-8.</exception>
    internal static string[] Folders(string folder, LeftOut? leftOut = null)
    {
        string[] names = Names(folder, recurse: false, (ref FileSystemEntry entry) =>
        {
            if (entry.IsDirectory)
            {
                return IsOwn(entry.FileName, FoldersOfSystems);
            }

            if (IsOwn(entry.FileName, FilesOfSystems) && EndsWith(entry.FileName, Read))
            {
                leftOut?.Add(LeftOut.Reason.NoClass, entry.Directory, entry.FileName);
            }

            return false;
        });
        return names.FirstOrDefault(name => PathName.IsBroken(folder, name)) is string broken
            ? throw new DataException($"{Path.Combine(folder, broken)}: the name of this folder is not valid UTF-8. Rename it.")
            : names;
    }

    /// <summary>Lists the images in a folder and its subfolders, as sorted relative paths.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="leftOut">Counts the files that are not read.</param>
    /// <exception cref="DataException">A folder cannot be listed.</exception>
    internal static string[] Images(string folder, LeftOut leftOut) => Names(
        folder,
        recurse: true,
        (ref FileSystemEntry entry) =>
        {
            ReadOnlySpan<char> name = entry.FileName;
            if (entry.IsDirectory || !IsOwn(name, FilesOfSystems))
            {
                return false;
            }

            LeftOut.Reason? reason = PathName.IsBroken(entry.Directory, name) ? LeftOut.Reason.Name
                : EndsWith(name, Read) ? null
                : EndsWith(name, NotRead) ? LeftOut.Reason.Format : LeftOut.Reason.NoImage;
            if (reason is not null)
            {
                leftOut.Add(reason.Value, entry.Directory, name);
            }

            return reason is null;
        },
        (ref FileSystemEntry entry) =>
        {
            if (!IsOwn(entry.FileName, FoldersOfSystems))
            {
                return false;
            }

            LeftOut.Reason? reason = PathName.IsBroken(entry.Directory, entry.FileName) ? LeftOut.Reason.Name
                : (entry.Attributes & FileAttributes.ReparsePoint) != 0 ? LeftOut.Reason.Link : null;
            if (reason is not null)
            {
                leftOut.Add(reason.Value, entry.Directory, entry.FileName);
            }

            return reason is null;
        });

    /// <summary>Creates the exception for a folder without images. The message includes what was found instead.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="leftOut">The files that were not read.</param>
    /// <param name="otherwise">What the user can do instead of adding images.</param>
    internal static DataException NoImages(string folder, LeftOut leftOut, string otherwise) => new(
        $"{folder}: no images in it, expected files that end in {string.Join(", ", Read)}. Add some, or {otherwise}."
        + string.Concat(leftOut.Lines.Select(line => $" {line}")));

    private static string[] Names(
        string folder,
        bool recurse,
        FileSystemEnumerable<string>.FindPredicate includes,
        FileSystemEnumerable<string>.FindPredicate? enters = null)
    {
        try
        {
            EnumerationOptions options = new() { IgnoreInaccessible = false, AttributesToSkip = 0, RecurseSubdirectories = recurse };
            FileSystemEnumerable<string> entries = new(folder, PathFromRoot, options)
            {
                ShouldIncludePredicate = includes,
                ShouldRecursePredicate = enters,
            };
            string[] names = [.. entries];
            Array.Sort(names, string.CompareOrdinal);
            return names;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{folder}: cannot be listed: {fault.Message} Check its permissions and the disk.", fault);
        }
    }

    // Uses slashes on every system, so that the order is the same everywhere.
    private static string PathFromRoot(ref FileSystemEntry entry)
    {
        if (entry.Directory.Length == entry.RootDirectory.Length)
        {
            return entry.FileName.ToString();
        }

        ReadOnlySpan<char> below = entry.Directory[entry.RootDirectory.Length..].TrimStart(Path.DirectorySeparatorChar);
        return string.Concat(below, "/", entry.FileName).Replace(Path.DirectorySeparatorChar, '/');
    }

    private static bool IsOwn(ReadOnlySpan<char> name, string[] ofSystems)
    {
        if (name[0] == '.')
        {
            return false;
        }

        foreach (string other in ofSystems)
        {
            if (name.Equals(other, StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }
        }

        return true;
    }

    private static bool EndsWith(ReadOnlySpan<char> name, string[] endings)
    {
        foreach (string ending in endings)
        {
            if (name.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
