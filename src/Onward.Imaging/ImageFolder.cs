using System.IO.Hashing;
using System.Runtime.InteropServices;
using Onward.Data;

namespace Onward.Imaging;

/// <summary>Colour images in folders, a folder for each class, read and decoded when they are needed.</summary>
public sealed class ImageFolder : ImageSet
{
    private const int Colours = 3;
    private const int MostSizes = 100_000; // about half a second of the file system

    // ImageNet's statistics, as the paper's code has them (spec 2.1).
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] StandardDeviation = [0.229f, 0.224f, 0.225f];

    private readonly FileNames _files;
    private readonly int _first;
    private readonly SkippedImages _skipped;
    private int _imagesOfAll; // of the data set
    private bool _antialias;

    private ImageFolder(FileNames files, int first, ReadOnlyMemory<int> labels, int side, int classes, SkippedImages skipped)
        : base(labels, side, side, Colours, classes) => (_files, _first, _skipped) = (files, first, skipped);

    /// <summary>
    /// Lists the images of <c>train</c>, <c>val</c> and <c>test</c>, each with a folder for each class, as ImageNet is laid out;
    /// or of a folder with folders of classes alone. Classes and files are in the order of their names.
    /// </summary>
    /// <remarks>
    /// Folders of splits are known by several names in any case. With <c>val</c> and <c>test</c>, the first is the validation set; a
    /// single one of the two is the test set. Folders below a class are searched. Class names are composed (Unicode's form NFC).
    /// </remarks>
    /// <param name="folder">Folder of the data set.</param>
    /// <param name="side">Rows and columns of what a model is given, at least 1.</param>
    /// <param name="skipped">Told of images that turn out to be damaged, of all sets.</param>
    /// <param name="notice">Told in a line for each reason what was left out; null to tell nobody.</param>
    /// <param name="antialias">True to smooth images before they are made smaller; see <see cref="ImageSet.Antialias"/>.</param>
    /// <returns>The sets. Of a folder without splits all images are one set: see <see cref="ImageDataset.Split"/>.</returns>
    /// <exception cref="DataException">A folder is missing, empty or unreadable, or a class has no images to train on.</exception>
    public static ImageDataset Load(string folder, int side, SkippedImages skipped, Action<string>? notice = null, bool antialias = true)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(skipped);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        LeftOut leftOut = new(folder);
        SplitFolders splits = SplitFolders.Of(folder, leftOut);
        string[] classes = Composed(splits.Training, splits.Classes);
        ImageFolder all = List(splits.Training, splits.Classes, side, skipped, leftOut, isTraining: true);
        ImageSet? validation = ListOther(splits.Validation), test = ListOther(splits.Test);
        foreach (string line in leftOut.Lines)
        {
            notice?.Invoke(line);
        }

        ImageFolder[] sets = [.. new[] { all, validation, test }.OfType<ImageFolder>()];
        foreach (ImageFolder set in sets)
        {
            (set._imagesOfAll, set._antialias) = (sets.Sum(one => one.Count), antialias);
        }

        return new ImageDataset("images in folders", all, test ?? validation ?? all, Mean, StandardDeviation, folder)
        {
            ClassNames = classes,
            Validation = test is null ? null : validation,
        };

        ImageFolder? ListOther(string? split)
        {
            return split is null
                ? null
                : List(split, Match(split, leftOut, splits.Training, classes), side, skipped, leftOut, isTraining: false);
        }
    }

    /// <inheritdoc/>
    public override bool Antialias => _antialias;

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

        _skipped.Add(path, fault, _imagesOfAll);
        return false;
    }

    /// <summary>
    /// Checksum of the files' names, with the folders of their classes, and of their sizes: a copied folder has the same. Of more
    /// than 100,000 files, the sizes of so many count, evenly spread.
    /// </summary>
    protected override UInt128 ChecksumOfImages()
    {
        int stride = 1 + ((Count - 1) / MostSizes);
        long[] sizes = new long[((Count - 1) / stride) + 1];
        Parallel.For(0, sizes.Length, i => sizes[i] = SizeOf(PathOf(i * stride)));
        XxHash128 checksum = new();
        for (int example = 0; example < Count; example++)
        {
            _files.AddName(_first + example, checksum);
        }

        checksum.Append(MemoryMarshal.AsBytes(sizes.AsSpan()));
        return checksum.GetCurrentHashAsUInt128();
    }

    /// <inheritdoc/>
    protected override ImageFolder Slice(int start, int count) =>
        new(_files, _first + start, Labels.Slice(start, count), Height, Classes, _skipped)
        {
            _imagesOfAll = _imagesOfAll,
            _antialias = _antialias,
        };

    // Of the file that a link leads to. One that is gone is told of when it is read.
    private static long SizeOf(string path)
    {
        try
        {
            FileInfo file = new(path);
            bool isLink = file.Attributes.HasFlag(FileAttributes.ReparsePoint);
            return isLink && file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target ? target.Length : file.Length;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return -1;
        }
    }

    // A class may have no folder, but in the training set.
    private static ImageFolder List(string split, string?[] folders, int side, SkippedImages skipped, LeftOut leftOut, bool isTraining)
    {
        FileNames files = new(split, folders);
        List<int> labels = [];
        for (int label = 0; label < folders.Length; label++)
        {
            string[] names = folders[label] is string folder ? FolderListing.Images(Path.Combine(split, folder), leftOut) : [];
            if (names.Length == 0 && isTraining)
            {
                throw FolderListing.NoImages(Path.Combine(split, folders[label]!), leftOut, "remove the folder");
            }

            files.Add(label, names);
            labels.AddRange(Enumerable.Repeat(label, names.Length));
        }

        return labels.Count > 0
            ? new ImageFolder(files, 0, labels.ToArray(), side, folders.Length, skipped)
            : throw FolderListing.NoImages(split, leftOut, "remove the folder");
    }

    // Names of the classes of the folders. [folder]
    private static string[] Composed(string split, string[] folders)
    {
        string[] names = [.. folders.Select(PathName.Compose)];
        return names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1)?.Key is not string twice
            ? names
            : throw new DataException(
                $"{split}: two folders named {twice}, with composed and with decomposed letters. Bring their images together in one.");
    }

    // The folder of each class, null where there is none. [class]
    private static string?[] Match(string split, LeftOut leftOut, string training, string[] classes)
    {
        string[] folders = FolderListing.Folders(split, leftOut), names = Composed(split, SplitFolders.Required(split, folders));
        if (names.Except(classes).FirstOrDefault() is string unknown)
        {
            throw new DataException(
                $"{split}: a folder {unknown}, which {training} has not. A class needs images to train on: add some, or remove the folder.");
        }

        Dictionary<string, string> byName = names.Zip(folders).ToDictionary(pair => pair.First, pair => pair.Second);
        return [.. classes.Select(byName.GetValueOrDefault)];
    }
}
