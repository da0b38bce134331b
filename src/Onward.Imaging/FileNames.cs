using System.IO.Hashing;
using System.Text;

namespace Onward.Imaging;

/// <summary>The paths of many files in class folders, stored compactly as UTF-8 relative to their class folder.</summary>
/// <param name="folder">The folder that contains the class folders.</param>
/// <param name="classes">Folder of each class; null for a class without files. [class]</param>
internal sealed class FileNames(string folder, string?[] classes)
{
    private readonly byte[][] _names = new byte[classes.Length][]; // [class], the names of its files one after another
    private readonly int[][] _ends = new int[classes.Length][]; // [class, file], end of each name in bytes
    private readonly byte[][] _folders = [.. classes.Select(name => Encoding.UTF8.GetBytes($"{name}/"))]; // [class]
    private readonly int[] _counts = new int[classes.Length + 1]; // [class], number of files in earlier classes

    /// <summary>Adds the files of a class. Classes must be added in order.</summary>
    internal void Add(int label, string[] names)
    {
        int[] ends = new int[names.Length];
        byte[] bytes = new byte[names.Sum(Encoding.UTF8.GetByteCount)];
        for (int i = 0, end = 0; i < names.Length; i++)
        {
            end += Encoding.UTF8.GetBytes(names[i], bytes.AsSpan(end));
            ends[i] = end;
        }

        (_names[label], _ends[label], _counts[label + 1]) = (bytes, ends, _counts[label] + names.Length);
    }

    /// <summary>The path of a file. Files are numbered through all classes.</summary>
    internal string this[int file]
    {
        get
        {
            (int label, Range name) = Find(file);
            return Path.Combine(folder, classes[label]!, Encoding.UTF8.GetString(_names[label].AsSpan(name)));
        }
    }

    /// <summary>Adds the name of a file, prefixed with its class folder, to a checksum.</summary>
    internal void AddName(int file, XxHash128 checksum)
    {
        (int label, Range name) = Find(file);
        checksum.Append(_folders[label]);
        checksum.Append(_names[label].AsSpan(name));
        checksum.Append([0]);
    }

    private (int Label, Range Name) Find(int file)
    {
        int found = Array.BinarySearch(_counts, file);
        int label = found >= 0 ? found : ~found - 1;
        while (_counts[label + 1] <= file)
        {
            label++; // past classes without files
        }

        int i = file - _counts[label];
        return (label, (i == 0 ? 0 : _ends[label][i - 1]).._ends[label][i]);
    }
}
