using System.Numerics.Tensors;
using System.Security.Cryptography;

namespace Onward.Data;

/// <summary>Reads anyone's images, grey or in colour, from four IDX files with the names that MNIST gave them, plain or gzip.</summary>
/// <remarks>
/// A file of images with channels, [example, row, column, channel], may say <c>idx4</c> in its name in place of <c>idx3</c>.
/// </remarks>
public static class IdxFolder
{
    private const int MostClasses = 256;

    private static readonly IdxSet Files = new(
        "IDX images", File("train-images-idx3"), File("train-labels-idx1"), File("t10k-images-idx3"), File("t10k-labels-idx1"))
    {
        TakesColour = true,
    };

    /// <summary>Reads both sets; the labels tell the number of classes, the training images their mean and deviation.</summary>
    /// <param name="folder">Folder with the four files.</param>
    /// <exception cref="DataException">
    /// A file is missing, unreadable or damaged, the sets do not belong together, or all pixels are alike.
    /// </exception>
    public static ImageDataset Load(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        (LabelledImages training, LabelledImages test) = Files.Read(folder, MostClasses);
        int classes = 1 + Math.Max(TensorPrimitives.Max(training.Labels.Span), TensorPrimitives.Max(test.Labels.Span));
        (float[] mean, float[] deviation) = PixelStatistics.Of(training);
        if (!deviation.Any(one => one > 0))
        {
            throw new DataException($"{folder}: all pixels of the training images are alike, so nothing can be learned. Use other images.");
        }

        // A channel that is the same everywhere, such as an empty blue one, is only shifted.
        float[] divisors = Array.ConvertAll(deviation, one => one > 0 ? one : 1);
        return new ImageDataset("IDX", WithClasses(training, classes), WithClasses(test, classes), mean, divisors, folder);
    }

    private static LabelledImages WithClasses(LabelledImages images, int classes) =>
        new(images.Pixels, images.Labels, images.Height, images.Width, images.Channels, classes);

    // Nobody publishes these: only the names count.
    private static PublishedFile File(string stem) => new($"{stem}-ubyte.gz", 0, HashAlgorithmName.SHA256, "");
}
