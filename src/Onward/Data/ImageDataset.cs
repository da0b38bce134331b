using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Onward.Data;

/// <summary>A training set and a test set of images, with the statistics that standardise them.</summary>
/// <param name="Name">Name for display, such as <c>MNIST</c>.</param>
/// <param name="Training">Images to train on.</param>
/// <param name="Test">Images to measure the error on, with the size, channels and classes of <paramref name="Training"/>.</param>
/// <param name="Mean">Mean of each channel of the training set, with pixels scaled to [0, 1]. [channel]</param>
/// <param name="StandardDeviation">Standard deviation of each channel of the training set, with pixels scaled to [0, 1]. [channel]</param>
/// <param name="Source">Origin of the data, for display: a folder, and that it was just downloaded if so.</param>
public sealed record ImageDataset(
    string Name,
    ImageSet Training,
    ImageSet Test,
    float[] Mean,
    float[] StandardDeviation,
    string Source)
{
    /// <summary>Validation images, used to choose the best epoch and to stop early. Null if the data set has none.</summary>
    public ImageSet? Validation { get; init; }

    /// <summary>True if there is only one set, which is both <see cref="Training"/> and <see cref="Test"/>.</summary>
    public bool IsOneSet => ReferenceEquals(Training, Test);

    /// <summary>Splits a single set: a fifth of each class becomes the test set.</summary>
    /// <param name="seed">Seed of the draw.</param>
    /// <exception cref="DataException">There is only one image.</exception>
    public ImageDataset Split(ulong seed)
    {
        if (Training.Count < 2)
        {
            throw new DataException($"{Source}: only one image, which cannot be used for both training and testing. Add images.");
        }

        (ImageSet training, ImageSet heldOut) = Training.HoldOut(Math.Max(1, Training.Count / 5), seed);
        return this with { Training = training, Test = heldOut };
    }

    /// <summary>Renumbers the classes to match a given list of class names, which may contain further names.</summary>
    /// <param name="classNames">Name of each class. [class]</param>
    /// <returns>The images with their new class numbers; null if the list lacks one of the classes.</returns>
    public ImageDataset? Renumber(IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(classNames);
        if (classNames.SequenceEqual(ClassNames))
        {
            return this;
        }

        Dictionary<string, int> known = [];
        foreach ((int number, string name) in classNames.Index())
        {
            known.TryAdd(name, number);
        }

        int[] numbers = [.. ClassNames.Select(name => known.GetValueOrDefault(name, -1))];
        if (numbers.Contains(-1))
        {
            return null;
        }

        ImageSet training = Renumber(Training);
        return this with
        {
            Training = training,
            Test = IsOneSet ? training : Renumber(Test),
            Validation = Validation is null ? null : Renumber(Validation),
            ClassNames = classNames,
        };

        ImageSet Renumber(ImageSet images) => images is TextSet text
            ? text.Renumber(numbers, classNames.Count)
            : ImageSubset.Renumber(images, numbers, classNames.Count);
    }

    /// <summary>Name of each class; by default its number. [class]</summary>
    public IReadOnlyList<string> ClassNames { get; init; } =
        [.. Enumerable.Range(0, Training.Classes).Select(label => label.ToString(CultureInfo.InvariantCulture))];

    /// <summary>
    /// Checksum of both sets and their statistics, in hexadecimal. A run can only be resumed with images of the same checksum.
    /// </summary>
    public string Checksum()
    {
        XxHash128 checksum = new();
        ReadOnlySpan<UInt128> sets = [Training.Checksum, Test.Checksum];
        checksum.Append(MemoryMarshal.AsBytes(sets));
        checksum.Append(MemoryMarshal.AsBytes(Mean.AsSpan()));
        checksum.Append(MemoryMarshal.AsBytes(StandardDeviation.AsSpan()));
        return checksum.GetCurrentHashAsUInt128().ToString("x32", CultureInfo.InvariantCulture);
    }
}
