using System.Security.Cryptography;

namespace Onward.Data;

/// <summary>Reads the user's own images, grey or in colour, from four IDX files, plain or gzip, with the file names of MNIST.</summary>
/// <remarks>The name of a file with channels, [example, row, column, channel], may contain <c>idx4</c> instead of <c>idx3</c>.</remarks>
public static class IdxFolder
{
    private static readonly IdxSet Files = new(
        "IDX images", File("train-images-idx3"), File("train-labels-idx1"), File("t10k-images-idx3"), File("t10k-labels-idx1"))
    {
        TakesColour = true,
    };

    /// <summary>Reads both sets. The number of classes is taken from the labels, the mean and deviation from the training images.</summary>
    /// <param name="folder">Folder with the four files.</param>
    /// <exception cref="DataException">A file is missing, unreadable or damaged, the two sets do not match, or all training pixels
    /// are equal.</exception>
    public static ImageDataset Load(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        (ImageSet training, ImageSet test) = Files.Read(folder, classes: null);
        (float[] mean, float[] deviation) = PixelStatistics.Of(training);
        if (!deviation.Any(one => one > 0))
        {
            throw new DataException($"{folder}: all pixels of the training images are equal, so nothing can be learned. Use other images.");
        }

        // A constant channel, such as an empty blue one, is shifted but not scaled.
        float[] divisors = Array.ConvertAll(deviation, one => one > 0 ? one : 1);
        return new ImageDataset("IDX", training, test, mean, divisors, folder);
    }

    // These files have no published checksum; only the names are used.
    private static PublishedFile File(string stem) => new($"{stem}-ubyte.gz", 0, HashAlgorithmName.SHA256, "");
}
