using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Data.Augmentation;

/// <summary>
/// Convolves an image with a Gaussian, first along rows and then along columns, with zeros outside the image (paper's code).
/// </summary>
internal static class GaussianBlur
{
    /// <summary>Radius of the kernel in pixels: a twentieth of the rows, rounded down. With radius 0 the image does not change.</summary>
    internal static int Radius(int height) => height / 20;

    /// <summary>Blurs an image in place.</summary>
    /// <param name="image">The image. [row, column, channel]</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="channels">Channels of the image.</param>
    /// <param name="deviation">Standard deviation in pixels, above 0.</param>
    /// <param name="scratch">Working memory as long as the image; overwritten.</param>
    internal static void Apply(Span<float> image, int height, int channels, float deviation, Span<float> scratch)
    {
        int radius = Radius(height);
        Span<float> weights = stackalloc float[(2 * radius) + 1];
        Weigh(weights, radius, deviation);
        int row = image.Length / height;
        for (int y = 0; y < height; y++)
        {
            Along(image.Slice(y * row, row), scratch.Slice(y * row, row), weights, channels);
        }

        for (int y = 0; y < height; y++)
        {
            Span<float> target = image.Slice(y * row, row);
            TensorPrimitives.Multiply(scratch.Slice(y * row, row), weights[radius], target);
            for (int k = Math.Max(-radius, -y); k <= Math.Min(radius, height - 1 - y); k++)
            {
                if (k != 0)
                {
                    TensorPrimitives.MultiplyAdd(scratch.Slice((y + k) * row, row), weights[radius + k], target, target);
                }
            }
        }
    }

    private static void Along(ReadOnlySpan<float> source, Span<float> target, ReadOnlySpan<float> weights, int channels)
    {
        int radius = weights.Length / 2;
        TensorPrimitives.Multiply(source, weights[radius], target);
        for (int k = 1; k <= radius && k * channels < source.Length; k++)
        {
            int shift = k * channels;
            TensorPrimitives.MultiplyAdd(source[shift..], weights[radius + k], target[..^shift], target[..^shift]);
            TensorPrimitives.MultiplyAdd(source[..^shift], weights[radius - k], target[shift..], target[shift..]);
        }
    }

    private static void Weigh(Span<float> weights, int radius, float deviation)
    {
        for (int k = -radius; k <= radius; k++)
        {
            weights[radius + k] = Pointwise.Exp(-(k * k) / (2 * deviation * deviation));
        }

        TensorPrimitives.Divide(weights, Reduction.Sum(weights), weights);
    }
}
