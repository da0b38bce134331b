namespace Onward.Data;

/// <summary>
/// Description of the training images: what is needed to standardise new images for the model and to name its predictions.
/// </summary>
/// <param name="ClassNames">Name of each class. [class]</param>
/// <param name="Mean">Mean of each channel of the training set, with pixels scaled to [0, 1]. [channel]</param>
/// <param name="StandardDeviation">Standard deviation of each channel in the same unit, above 0. [channel]</param>
public sealed record ImageDescription(IReadOnlyList<string> ClassNames, IReadOnlyList<float> Mean, IReadOnlyList<float> StandardDeviation)
{
    /// <summary>Describes the images of a data set.</summary>
    /// <param name="data">The data set.</param>
    public static ImageDescription Of(ImageDataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new(data.ClassNames, data.Mean, data.StandardDeviation);
    }

    /// <summary>True if images with these numbers of channels and classes can be standardised and named.</summary>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="classes">Number of classes.</param>
    public bool Fits(int channels, int classes) =>
        ClassNames.Count == classes && ClassNames.All(name => name is not null)
        && Mean.Count == channels && Mean.All(float.IsFinite)
        && StandardDeviation.Count == channels && StandardDeviation.All(one => float.IsFinite(one) && one > 0);
}
