using System.Globalization;

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

    /// <summary>Name of each class; by default its number. [class]</summary>
    public IReadOnlyList<string> ClassNames { get; init; } =
        [.. Enumerable.Range(0, Training.Classes).Select(label => label.ToString(CultureInfo.InvariantCulture))];
}
