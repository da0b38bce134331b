using System.IO.Enumeration;
using Onward.Data;

namespace Onward.Imaging;

/// <summary>Colour images in folders, a folder for each class, read and decoded when they are needed.</summary>
public sealed class ImageFolder : ImageSet
{
    private const int Colours = 3;

    private static readonly string[] Endings = [".jpg", ".jpeg", ".png", ".bmp", ".webp"];
    private static readonly string[] TestFolders = ["val", "test"];

    private readonly FileNames _files;
    private readonly int _first;
    private readonly SkippedImages _skipped;

    private ImageFolder(FileNames files, int first, ReadOnlyMemory<int> labels, int side, int classes, SkippedImages skipped)
        : base(labels, side, side, Colours, classes) => (_files, _first, _skipped) = (files, first, skipped);

    /// <summary>
    /// Lists the images of <c>train</c> and of <c>val</c> or <c>test</c>, each with a folder for each class, as ImageNet is
    /// laid out. Classes and files are in the order of their names; what begins with a dot is left out.
    /// </summary>
    /// <param name="folder">Folder with the two.</param>
    /// <param name="side">Rows and columns of what a model is given, at least 1.</param>
    /// <param name="skipped">Told of images that turn out to be damaged, of both sets.</param>
    /// <exception cref="DataException">A folder is missing, empty or unreadable, or the classes of the two sets differ.</exception>
    public static ImageDataset Load(string folder, int side, SkippedImages skipped)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(skipped);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        string training = Path.Combine(folder, "train");
        if (!Directory.Exists(training))
        {
            throw new DataException($"{folder}: no folder train in it, expected train and val, each with a folder for each class. Name the folder that holds the two.");
        }

        string test = TestFolders.Select(name => Path.Combine(folder, name)).FirstOrDefault(Directory.Exists)
            ?? throw new DataException($"{folder}: no folder val or test in it, beside train. Add one with a folder for each class.");
        string[] classes = ClassFolders(training);
        RequireSame(classes, training, ClassFolders(test), test);
        return new ImageDataset(
            "images in folders",
            List(training, classes, side, skipped),
            List(test, classes, side, skipped),
            [0.485f, 0.456f, 0.406f], // ImageNet's statistics, as the paper's code has them (spec 2.1)
            [0.229f, 0.224f, 0.225f],
            folder)
        {
            ClassNames = classes,
        };
    }

    /// <summary>Where an image lies.</summary>
    /// <param name="example">Number of the example, 0 to <see cref="ImageSet.Count"/> - 1.</param>
    public string PathOf(int example) => _files[_first + example];

    /// <inheritdoc/>
    public override bool TryRead(int example, RawImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        string path = PathOf(example);
        if (ImageDecoder.Decode(path, image) is not string fault)
        {
            return true;
        }

        _skipped.Add(path, fault);
        return false;
    }

    /// <inheritdoc/>
    protected override ImageFolder Slice(int start, int count) =>
        new(_files, _first + start, Labels.Slice(start, count), Height, Classes, _skipped);

    private static ImageFolder List(string split, string[] classes, int side, SkippedImages skipped)
    {
        FileNames files = new(split, classes);
        List<int> labels = [];
        for (int label = 0; label < classes.Length; label++)
        {
            string folder = Path.Combine(split, classes[label]);
            string[] names = Names(folder, file: true);
            if (names.Length == 0)
            {
                throw new DataException($"{folder}: no images in it, expected files that end in {string.Join(", ", Endings)}. Add some, or remove the folder from both sets.");
            }

            files.Add(label, names);
            labels.AddRange(Enumerable.Repeat(label, names.Length));
        }

        return new ImageFolder(files, 0, labels.ToArray(), side, classes.Length, skipped);
    }

    private static string[] ClassFolders(string split)
    {
        string[] classes = Names(split, file: false);
        return classes.Length > 0
            ? classes
            : throw new DataException($"{split}: no folders in it, expected one for each class with its images. Sort the images into folders of their classes.");
    }

    private static void RequireSame(string[] training, string trainingFolder, string[] test, string testFolder)
    {
        foreach ((string[] all, string folder, string[] others, string other) in new[] { (training, trainingFolder, test, testFolder), (test, testFolder, training, trainingFolder) })
        {
            HashSet<string> known = [.. others];
            if (all.FirstOrDefault(name => !known.Contains(name)) is string missing)
            {
                throw new DataException($"{other}: no folder {missing}, a class that {folder} has. Both need the same classes: add it, or remove the other.");
            }
        }
    }

    // The kind of an entry comes with its name, so that no file is looked at.
    private static string[] Names(string folder, bool file)
    {
        try
        {
            EnumerationOptions options = new() { IgnoreInaccessible = false, AttributesToSkip = 0 };
            string[] names = [.. new FileSystemEnumerable<string>(folder, (ref FileSystemEntry entry) => entry.FileName.ToString(), options)
            {
                ShouldIncludePredicate = (ref FileSystemEntry entry) => entry.FileName[0] != '.' && (file ? IsImage(entry.FileName) && !entry.IsDirectory : entry.IsDirectory),
            }];
            Array.Sort(names, string.CompareOrdinal);
            return names;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{folder}: cannot be listed: {fault.Message} Check its permissions and the disk.", fault);
        }
    }

    private static bool IsImage(ReadOnlySpan<char> name)
    {
        foreach (string ending in Endings)
        {
            if (name.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
