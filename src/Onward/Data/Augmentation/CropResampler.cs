using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Onward.Data.Augmentation;

/// <summary>Resizes a part of an image by bicubic interpolation.</summary>
/// <remarks>
/// The kernel is Keys' with a = -0.5, evaluated at pixel centres. Pixels outside the part get no weight, and the remaining
/// weights are normalised to sum to 1. With antialiasing, a kernel for a smaller target is widened to the size of a target
/// pixel, as in PIL and torchvision. Without it there are four taps in each direction at every scale, as in the paper's code.
/// </remarks>
/// <param name="height">Rows of the target.</param>
/// <param name="width">Columns of the target.</param>
/// <param name="channels">Channels of the image and the target.</param>
/// <param name="antialias">True to smooth the image before it is made smaller.</param>
internal sealed class CropResampler(int height, int width, int channels, bool antialias)
{
    private const int Taps = 4;
    private const int Colours = 3;

    private readonly int[] _starts = new int[width]; // [column], the first tap
    private float[] _weights = []; // [column, tap]
    private float[] _rowWeights = []; // [tap]
    private float[] _bytes = [];
    private float[] _row = []; // one element longer than a row, because pixels of three channels are read as four numbers

    /// <summary>Fills the target from a part of an image.</summary>
    /// <param name="source">The image, 0 to 255. [row, column, channel]</param>
    /// <param name="sourceWidth">Columns of the image.</param>
    /// <param name="part">The part, which must lie inside the image.</param>
    /// <param name="target">Receives intensities in [0, 1]. [row, column, channel]</param>
    internal void Apply(ReadOnlySpan<byte> source, int sourceWidth, Rectangle part, Span<float> target)
    {
        int length = part.Width * channels, across = TapsOf(part.Width, width), down = TapsOf(part.Height, height);
        Reserve(ref _row, length + 1);
        Reserve(ref _bytes, length);
        Reserve(ref _weights, width * across);
        Reserve(ref _rowWeights, down);
        for (int x = 0; x < width; x++)
        {
            _starts[x] = Place(x, part.Width, width, _weights.AsSpan(x * across, across));
        }

        Span<float> weights = _rowWeights.AsSpan(0, down);
        Span<float> row = _row.AsSpan(0, length), bytes = _bytes.AsSpan(0, length);
        for (int y = 0; y < height; y++)
        {
            int first = Place(y, part.Height, height, weights);
            row.Clear();
            for (int tap = 0; tap < down; tap++)
            {
                int start = (((part.Top + first + tap) * sourceWidth) + part.Left) * channels;
                TensorPrimitives.ConvertTruncating(source.Slice(start, length), bytes);
                TensorPrimitives.MultiplyAdd(bytes, weights[tap] / 255, row, row);
            }

            Span<float> targetRow = target.Slice(y * width * channels, width * channels);
            if (channels == Colours)
            {
                ColoursAlong(across, targetRow);
            }
            else
            {
                Along(row, across, targetRow);
            }
        }

        ColourOperations.Clip(target);
    }

    private static void Reserve(ref float[] memory, int length)
    {
        if (memory.Length < length)
        {
            memory = new float[length];
        }
    }

    private void Along(ReadOnlySpan<float> row, int taps, Span<float> target)
    {
        for (int x = 0; x < width; x++)
        {
            ReadOnlySpan<float> weights = _weights.AsSpan(x * taps, taps);
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

    // Computes the same sums as Along in the same order, for three channels at once.
    private void ColoursAlong(int taps, Span<float> target)
    {
        for (int x = 0; x < width; x++)
        {
            ReadOnlySpan<float> weights = _weights.AsSpan(x * taps, taps);
            ReadOnlySpan<float> pixels = _row.AsSpan(_starts[x] * Colours);
            Vector128<float> sum = Vector128<float>.Zero;
            for (int tap = 0; tap < taps; tap++)
            {
                sum += Vector128.Create(weights[tap]) * Vector128.Create(pixels[(tap * Colours)..]);
            }

            (target[x * Colours], target[(x * Colours) + 1], target[(x * Colours) + 2]) = (sum[0], sum[1], sum[2]);
        }
    }

    private double ScaleOf(int source, int target) => antialias ? Math.Max(1, (double)source / target) : 1;

    private int TapsOf(int source, int target) => Math.Min(source, (int)Math.Ceiling(Taps * ScaleOf(source, target)));

    // Computes the weights of the taps and returns the first tap. At the edges of the source, the window is moved inside.
    private int Place(int position, int source, int target, Span<float> weights)
    {
        double scale = ScaleOf(source, target);
        double centre = ((position + 0.5) * source / target) - 0.5;
        int natural = (int)Math.Floor(centre - (Taps / 2 * scale)) + 1;
        int first = Math.Clamp(natural, 0, source - weights.Length);
        double sum = 0;
        for (int tap = 0; tap < weights.Length; tap++)
        {
            double weight = Keys((centre - (first + tap)) / scale);
            weights[tap] = (float)weight;
            sum += weight;
        }

        for (int tap = 0; tap < weights.Length; tap++)
        {
            weights[tap] = (float)(weights[tap] / sum);
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
