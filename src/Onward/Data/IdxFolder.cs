using System.Numerics.Tensors;
using System.Security.Cryptography;

namespace Onward.Data;

/// <summary>Reads anyone's images from four IDX files with the names that MNIST gave them, plain or gzip.</summary>
public static class IdxFolder
{
    private const int MostClasses = 256;

    private static readonly IdxSet Files = new("IDX images", File("train-images-idx3"), File("train-labels-idx1"), File("t10k-images-idx3"), File("t10k-labels-idx1"));

    /// <summary>Reads both sets; the labels tell the number of classes, the training images their mean and deviation.</summary>
    /// <param name="folder">Folder with the four files.</param>
    /// <exception cref="DataException">A file is missing, unreadable or damaged, the sets do not belong together, or all pixels are alike.</exception>
    public static ImageDataset Load(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        (LabelledImages training, LabelledImages test) = Files.Read(folder, MostClasses);
        int classes = 1 + Math.Max(TensorPrimitives.Max(training.Labels.Span), TensorPrimitives.Max(test.Labels.Span));
        (float[] mean, float[] deviation) = PixelStatistics.Of(training);
        return deviation[0] > 0
            ? new ImageDataset("IDX", WithClasses(training, classes), WithClasses(test, classes), mean, deviation, folder)
            : throw new DataException($"{folder}: all pixels of the training images are alike, so nothing can be learned. Use other images.");
    }

    private static LabelledImages WithClasses(LabelledImages images, int classes) =>
        new(images.Pixels, images.Labels, images.Height, images.Width, images.Channels, classes);

    // Nobody publishes these: only the names count.
    private static PublishedFile File(string stem) => new($"{stem}-ubyte.gz", 0, HashAlgorithmName.SHA256, "");
}
