namespace Onward.Data;

/// <summary>Images ready for a model, with their labels. Its arrays are used again: read them before asking for the next batch.</summary>
public sealed class ImageBatch
{
    internal ImageBatch(int capacity, int imageLength)
    {
        Pixels = new float[capacity * imageLength];
        Labels = new int[capacity];
    }

    /// <summary>A batch of nothing.</summary>
    internal static ImageBatch Empty { get; } = new(0, 0);

    /// <summary>Number of images: of the whole batch, or of the share of it that this process takes.</summary>
    public int Images { get; internal set; }

    /// <summary>Place of the first of them in the whole batch.</summary>
    public int FirstImage { get; internal set; }

    /// <summary>Images of the whole batch.</summary>
    public int ImagesOfAll { get; internal set; }

    /// <summary>Views of each image: example v * <see cref="Images"/> + i is view v of image i.</summary>
    public int Views { get; internal set; }

    /// <summary>Number of examples, a view of an image each; entries of the arrays beyond it have no meaning.</summary>
    public int Count => Images * Views;

    /// <summary>Standardised intensities, (v / 255 - mean) / standard deviation. [example, row, column, channel]</summary>
    public float[] Pixels { get; }

    /// <summary>Class of each example, the same for all views of an image. [example]</summary>
    public int[] Labels { get; }

    /// <summary>The pixels of some examples.</summary>
    internal ReadOnlySpan<float> PixelsOf(int first, int examples)
    {
        int image = Pixels.Length / Labels.Length;
        return Pixels.AsSpan(first * image, examples * image);
    }
}
