namespace Onward.Data;

/// <summary>A batch of images for a model, with their labels. The arrays are reused: read them before requesting the next batch.</summary>
public sealed class ImageBatch
{
    private readonly int _imageLength;

    internal ImageBatch(int capacity, int imageLength, int labelsPerExample = 1)
    {
        _imageLength = imageLength;
        Pixels = new float[capacity * imageLength];
        Labels = new int[capacity * labelsPerExample];
    }

    /// <summary>A batch without images.</summary>
    internal static ImageBatch Empty { get; } = new(0, 0);

    /// <summary>Number of images in this process's share of the batch; of the whole batch if it is not shared.</summary>
    public int Images { get; internal set; }

    /// <summary>Index of the first of these images in the whole batch.</summary>
    public int FirstImage { get; internal set; }

    /// <summary>Number of images in the whole batch.</summary>
    public int ImagesOfAll { get; internal set; }

    /// <summary>Number of views of each image. Example v * <see cref="Images"/> + i is view v of image i.</summary>
    public int Views { get; internal set; }

    /// <summary>Number of examples: images times views. Array elements beyond it have no meaning.</summary>
    public int Count => Images * Views;

    /// <summary>
    /// Standardised intensities, (v / 255 - mean) / standard deviation [example, row, column, channel]; for a text, the index of each
    /// token [example, position].
    /// </summary>
    public float[] Pixels { get; }

    /// <summary>
    /// Class of each example, equal for all views of an image [example]; for a text, the next token of each position [example, position].
    /// </summary>
    public int[] Labels { get; }

    /// <summary>The pixels of consecutive examples. [example, row, column, channel]</summary>
    internal ReadOnlySpan<float> PixelsOf(int first, int examples) => Pixels.AsSpan(first * _imageLength, examples * _imageLength);
}
