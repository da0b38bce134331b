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
    /// <summary>Name of each class; by default its number. [class]</summary>
    public IReadOnlyList<string> ClassNames { get; init; } =
        [.. Enumerable.Range(0, Training.Classes).Select(label => label.ToString(CultureInfo.InvariantCulture))];
}
