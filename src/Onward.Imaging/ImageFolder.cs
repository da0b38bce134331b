using System.IO.Hashing;
using System.Runtime.InteropServices;
using Onward.Data;

namespace Onward.Imaging;

/// <summary>A set of colour images in folders, one folder for each class. Images are read and decoded on demand.</summary>
public sealed class ImageFolder : ImageSet
{
    private const int Colours = 3;
    private const int MostSizes = 100_000; // reading so many file sizes takes about half a second

    // ImageNet's statistics, as in the paper's code.
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] StandardDeviation = [0.229f, 0.224f, 0.225f];

    private readonly FileNames _files;
    private readonly int _first;
    private readonly SkippedImages _skipped;
    private int _imagesOfAll; // in all sets of the data set
    private bool _antialias;

    private ImageFolder(FileNames files, int first, ReadOnlyMemory<int> labels, int side, int classes, SkippedImages skipped)
        : base(labels, side, side, Colours, classes) => (_files, _first, _skipped) = (files, first, skipped);

    /// <summary>Lists the images of a data set without decoding them.</summary>
    /// <remarks>
    /// The folder contains <c>train</c>, <c>val</c> and <c>test</c>, each with a folder for each class, like ImageNet. Or it
    /// contains the class folders directly. Classes and files are sorted by name. Several names are accepted for each split, in
    /// upper or lower case. If there are both <c>val</c> and <c>test</c>, the first is the validation set. If there is only one
    /// of them, it is the test set. Subfolders of a class are searched too. Class names are normalised to Unicode's form NFC.
    /// </remarks>
    /// <param name="folder">Folder of the data set.</param>
    /// <param name="side">Rows and columns of the model's input, at least 1.</param>
    /// <param name="skipped">Records the images of all sets that turn out to be damaged.</param>
    /// <param name="notice">Called with one line for each reason why files were left out; null for no messages.</param>
    /// <param name="antialias">True to smooth images before they are made smaller; see <see cref="ImageSet.Antialias"/>.</param>
    /// <returns>The sets. Without split folders, all images form one set: see <see cref="ImageDataset.Split"/>.</returns>
    /// <exception cref="DataException">A folder is missing, empty or unreadable, or a class has no training images.</exception>
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

    /// <summary>The path of an image.</summary>
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
    /// Checksum of the file names with their class folders, and of the file sizes. A copied folder has the same checksum.
    /// </summary>
    /// <remarks>For more than 100,000 files, only the sizes of an evenly spaced selection are included.</remarks>
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

    // Returns the size of the file, or of the file that a link leads to. A missing file is reported when it is read.
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

    // In sets other than the training set, a class may have no folder.
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

    // Returns the names of the classes, composed. [folder]
    private static string[] Composed(string split, string[] folders)
    {
        string[] names = [.. folders.Select(PathName.Compose)];
        return names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1)?.Key is not string twice
            ? names
            : throw new DataException(
                $"{split}: two folders named {twice}, with composed and with decomposed letters. Merge them into one folder.");
    }

    // Returns the folder of each class, or null if there is none. [class]
    private static string?[] Match(string split, LeftOut leftOut, string training, string[] classes)
    {
        string[] folders = FolderListing.Folders(split, leftOut), names = Composed(split, SplitFolders.Required(split, folders));
        if (names.Except(classes).FirstOrDefault() is string unknown)
        {
            throw new DataException(
                $"{split}: a folder {unknown}, which {training} lacks. A class needs images to train on: add some, or remove the folder.");
        }

        Dictionary<string, string> byName = names.Zip(folders).ToDictionary(pair => pair.First, pair => pair.Second);
        return [.. classes.Select(byName.GetValueOrDefault)];
    }
}
