using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Onward.Data;

/// <summary>A training set and a test set of images, with the statistics that standardise them.</summary>
/// <param name="Name">Name for display, such as <c>MNIST</c>.</param>
/// <param name="Training">Images to learn from.</param>
/// <param name="Test">Images to measure the error on; same size, channels and classes as <paramref name="Training"/>.</param>
/// <param name="Mean">Mean of each channel of the training set, with pixels scaled to [0, 1]. [channel]</param>
/// <param name="StandardDeviation">Standard deviation of each channel, in the same unit. [channel]</param>
/// <param name="Source">How the data was obtained, for display: a folder, or a folder and the mirror it was filled from.</param>
public sealed record ImageDataset(
    string Name,
    ImageSet Training,
    ImageSet Test,
    float[] Mean,
    float[] StandardDeviation,
    string Source)
{
    /// <summary>Images to choose by: the best epoch, an early end. Null where the data set has none of its own.</summary>
    public ImageSet? Validation { get; init; }

    /// <summary>True if all images are one set, in <see cref="Training"/> and in <see cref="Test"/> alike.</summary>
    public bool IsOneSet => ReferenceEquals(Training, Test);

    /// <summary>Splits one set: a fifth of it becomes the test set, the same share of each class.</summary>
    /// <param name="seed">Names the draw.</param>
    /// <exception cref="DataException">There is one image only.</exception>
    public ImageDataset Split(ulong seed)
    {
        if (Training.Count < 2)
        {
            throw new DataException($"{Source}: one image in all, which cannot be both learned and tested on. Add some.");
        }

        (ImageSet training, ImageSet heldOut) = Training.HoldOut(Math.Max(1, Training.Count / 5), seed);
        return this with { Training = training, Test = heldOut };
    }

    /// <summary>Brings the classes into another order, in which there may be more of them.</summary>
    /// <param name="classNames">Name of each class in that order. [class]</param>
    /// <returns>The images with the numbers that their classes have there; null if a class is not among the names.</returns>
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

        ImageSubset Renumber(ImageSet images) => ImageSubset.Renumber(images, numbers, classNames.Count);
    }

    /// <summary>Name of each class; by default its number. [class]</summary>
    public IReadOnlyList<string> ClassNames { get; init; } =
        [.. Enumerable.Range(0, Training.Classes).Select(label => label.ToString(CultureInfo.InvariantCulture))];

    /// <summary>
    /// Checksum of both sets and their statistics, as hexadecimal digits: a run goes on with images of the same checksum alone.
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
