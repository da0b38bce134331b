using System.Numerics;
using Onward.Kernels;

namespace Onward.Data;

/// <summary>Draws digits that look handwritten, from a seed. This data set needs no download.</summary>
/// <remarks>
/// Example i is a pure function of (seed, i). Take training and test examples from disjoint ranges of i. The result does not
/// depend on threads or order. On another machine, a byte may differ by one because sines are computed differently. Each block
/// of ten consecutive examples that starts at a multiple of ten contains every digit once, in random order. Images have the
/// format of MNIST: 28x28 bytes, row by row, background 0, ink up to 255. They are about as hard as MNIST. Trained on 20,000 of
/// them, softmax regression has an error of 10 % and a small convolutional network an error of 1 %.
/// </remarks>
public static class ProceduralDigits
{
    /// <summary>Width and height of an image.</summary>
    public const int Side = 28;

    /// <summary>Bytes in an image.</summary>
    public const int PixelCount = Side * Side;

    /// <summary>Number of classes.</summary>
    public const int Classes = 10;

    // Uses of random numbers, stored in the layer field of the stream.
    private const uint StrokeSite = 0;
    private const uint LabelSite = 1;
    private const uint GrainSite = 2;

    /// <summary>Draws one example.</summary>
    /// <param name="seed">Seed of the data set.</param>
    /// <param name="example">Index of the example in the data set.</param>
    /// <param name="pixels">Receives the image: exactly <see cref="PixelCount"/> bytes. [row, column]</param>
    /// <param name="label">Receives the digit, 0 to 9.</param>
    /// <exception cref="ArgumentException"><paramref name="pixels"/> does not hold 784 bytes.</exception>
    public static void Draw(ulong seed, uint example, Span<byte> pixels, out int label)
    {
        if (pixels.Length != PixelCount)
        {
            throw new ArgumentException(
                $"A digit takes {PixelCount} bytes ({Side}x{Side}), the span holds {pixels.Length}: slice it to one image.",
                nameof(pixels));
        }

        label = LabelOf(seed, example);
        var stream = new RandomStream(seed, RandomPurpose.Data, Layer: StrokeSite, Example: example);
        var random = new CounterSequence(stream);
        Vector2[][][] styles = DigitGlyphs.Styles[label];
        Vector2[][] strokes = styles[random.NextInt32(styles.Length)];
        var hand = new DigitDistortion(random);
        float radius = random.NextSingle(0.6f, 1.5f);
        float softness = random.NextSingle(0.9f, 1.7f);
        var canvas = new DigitCanvas(stackalloc float[PixelCount], softness);
        foreach (Vector2[] stroke in strokes)
        {
            Write(stroke, hand, radius, random, canvas);
        }

        canvas.Soil(random);
        float intensity = random.NextSingle(0.6f, 1);
        float deviation = random.NextSingle(0, 0.07f);
        Span<float> normals = stackalloc float[PixelCount];
        CounterRandom.Normals(stream with { Layer = GrainSite }, 0, normals);
        canvas.Develop(intensity, deviation, normals, pixels);
    }

    /// <summary>Draws consecutive examples on all cores, as a set of images.</summary>
    /// <param name="seed">Seed of the data set.</param>
    /// <param name="first">Index of the first example.</param>
    /// <param name="count">Number of examples.</param>
    /// <returns>Images of 28x28x1 in ten classes.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="count"/> is negative, the last index exceeds 32 bits, or the images do not fit one array.
    /// </exception>
    public static LabelledImages GenerateImages(ulong seed, uint first, int count)
    {
        (byte[] pixels, byte[] labels) = Generate(seed, first, count);
        return new LabelledImages(pixels, Array.ConvertAll(labels, label => (int)label), Side, Side, channels: 1, Classes);
    }

    /// <summary>Draws consecutive examples on all cores.</summary>
    /// <param name="seed">Seed of the data set.</param>
    /// <param name="first">Index of the first example.</param>
    /// <param name="count">Number of examples.</param>
    /// <returns>The images one after the other [example, row, column], and the label of each [example].</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="count"/> is negative, the last index exceeds 32 bits, or the images do not fit one array.
    /// </exception>
    public static (byte[] Pixels, byte[] Labels) Generate(ulong seed, uint first, int count)
    {
        int most = (int)Math.Min(Array.MaxLength / PixelCount, (1L << 32) - first);
        if (count < 0 || count > most)
        {
            throw new ArgumentOutOfRangeException(
                nameof(count),
                count,
                $"From example {first} one call draws 0 to {most} digits (one array, indices below 2^32): split the range.");
        }

        byte[] pixels = new byte[count * PixelCount];
        byte[] labels = new byte[count];
        Parallel.For(0, count, i =>
        {
            Draw(seed, first + (uint)i, pixels.AsSpan(i * PixelCount, PixelCount), out int label);
            labels[i] = (byte)label;
        });

        return (pixels, labels);
    }

    private static int LabelOf(ulong seed, uint example)
    {
        Span<int> order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        var stream = new RandomStream(seed, RandomPurpose.Data, Layer: LabelSite, Example: example / Classes);
        new CounterSequence(stream).Shuffle(order);
        return order[(int)(example % Classes)];
    }

    private static void Write(
        ReadOnlySpan<Vector2> stroke, DigitDistortion hand, float radius, CounterSequence random, in DigitCanvas canvas)
    {
        // A random offset: the strokes of a glyph do not meet exactly where the skeleton says.
        var offset = new Vector2(random.NextSingle(-0.02f, 0.02f), random.NextSingle(-0.02f, 0.02f));
        Vector3 weight = new(1, 1, radius);
        Vector3 from = weight * hand.Apply(stroke[0] + offset);
        foreach (Vector2 point in stroke[1..])
        {
            Vector3 to = weight * hand.Apply(point + offset);
            canvas.Stroke(from, to);
            from = to;
        }
    }
}
