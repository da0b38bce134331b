using System.Numerics.Tensors;

namespace Onward.Data.Augmentation;

/// <summary>Brings a part of an image to another size by bicubic interpolation.</summary>
/// <remarks>
/// Keys' kernel with a = -0.5 at the centres of pixels, four taps in each direction whatever the scale. Pixels outside the
/// part take no weight, and the others' weights are brought to 1.
/// </remarks>
/// <param name="height">Rows of the target.</param>
/// <param name="width">Columns of the target.</param>
/// <param name="channels">Channels of image and target.</param>
internal sealed class CropResampler(int height, int width, int channels)
{
    private const int Taps = 4;

    private readonly int[] _starts = new int[width]; // [column], the first tap
    private readonly float[] _weights = new float[width * Taps]; // [column, tap]
    private float[] _bytes = [];
    private float[] _row = [];

    /// <summary>Fills the target from a part of an image.</summary>
    /// <param name="source">The image, 0 to 255. [row, column, channel]</param>
    /// <param name="sourceWidth">Columns of the image.</param>
    /// <param name="part">The part, inside the image.</param>
    /// <param name="target">Receives intensities in [0, 1]. [row, column, channel]</param>
    internal void Apply(ReadOnlySpan<byte> source, int sourceWidth, Rectangle part, Span<float> target)
    {
        int length = part.Width * channels;
        if (_row.Length < length)
        {
            (_row, _bytes) = (new float[length], new float[length]);
        }

        for (int x = 0; x < width; x++)
        {
            _starts[x] = Place(x, part.Width, width, _weights.AsSpan(x * Taps, Taps));
        }

        Span<float> weights = stackalloc float[Taps];
        Span<float> row = _row.AsSpan(0, length), bytes = _bytes.AsSpan(0, length);
        for (int y = 0; y < height; y++)
        {
            int first = Place(y, part.Height, height, weights);
            row.Clear();
            for (int tap = 0; tap < Math.Min(Taps, part.Height); tap++)
            {
                int start = (((part.Top + first + tap) * sourceWidth) + part.Left) * channels;
                TensorPrimitives.ConvertTruncating(source.Slice(start, length), bytes);
                TensorPrimitives.MultiplyAdd(bytes, weights[tap] / 255, row, row);
            }

            Along(row, Math.Min(Taps, part.Width), target.Slice(y * width * channels, width * channels));
        }

        ColourOperations.Clip(target);
    }

    private void Along(ReadOnlySpan<float> row, int taps, Span<float> target)
    {
        for (int x = 0; x < width; x++)
        {
            ReadOnlySpan<float> weights = _weights.AsSpan(x * Taps, Taps);
            for (int channel = 0; channel < channels; channel++)
            {
                int at = (_starts[x] * channels) + channel;
                float sum = 0;
                for (int tap = 0; tap < taps; tap++)
                {
                    sum += weights[tap] * row[at + (tap * channels)];
                }

                target[(x * channels) + channel] = sum;
            }
        }
    }

    // Weights of the taps that lie in the source; where it ends, the window moves inside and the weights move with it.
    private static int Place(int position, int source, int target, Span<float> weights)
    {
        double centre = ((position + 0.5) * source / target) - 0.5;
        int natural = (int)Math.Floor(centre) - 1;
        int first = Math.Clamp(natural, 0, Math.Max(0, source - Taps));
        double sum = 0;
        for (int tap = 0; tap < Math.Min(Taps, source); tap++)
        {
            double weight = Keys(centre - (first + tap));
            weights[tap] = (float)weight;
            sum += weight;
        }

        for (int tap = 0; tap < Taps; tap++)
        {
            weights[tap] = tap < source ? (float)(weights[tap] / sum) : 0;
        }

        return first;
    }

    private static double Keys(double distance)
    {
        double x = Math.Abs(distance);
        return x <= 1 ? (((1.5 * x) - 2.5) * x * x) + 1
            : x < 2 ? (((((-0.5 * x) + 2.5) * x) - 4) * x) + 2
            : 0;
    }
}
