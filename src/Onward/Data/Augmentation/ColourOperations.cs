using System.Numerics.Tensors;

namespace Onward.Data.Augmentation;

/// <summary>Changes the intensities of an image in place. [row, column, channel]</summary>
/// <remarks>
/// Intensities lie in [0, 1] before and after each operation (paper's code). Saturation, hue and grayscale need three channels.
/// </remarks>
internal static class ColourOperations
{
    private const int Colours = 3;

    /// <summary>Adds an amount to every intensity.</summary>
    internal static void Brighten(Span<float> image, float amount)
    {
        TensorPrimitives.Add(image, amount, image);
        Clip(image);
    }

    /// <summary>Scales the distance of each channel from its mean over the image.</summary>
    internal static void ScaleContrast(Span<float> image, int channels, float factor)
    {
        for (int channel = 0; channel < channels; channel++)
        {
            double sum = 0;
            for (int i = channel; i < image.Length; i += channels)
            {
                sum += image[i];
            }

            float mean = (float)(sum / (image.Length / channels));
            for (int i = channel; i < image.Length; i += channels)
            {
                image[i] = ((image[i] - mean) * factor) + mean;
            }
        }

        Clip(image);
    }

    /// <summary>Multiplies the saturation of each pixel, limited to 1, and keeps its hue and value (as in HSV).</summary>
    /// <remarks>
    /// The value v is the largest channel. The saturation is proportional to v - c for each channel c, so these differences are
    /// scaled.
    /// </remarks>
    internal static void ScaleSaturation(Span<float> image, float factor)
    {
        for (int i = 0; i < image.Length; i += Colours)
        {
            Span<float> pixel = image.Slice(i, Colours);
            float value = Math.Max(Math.Max(pixel[0], pixel[1]), pixel[2]);
            float range = value - Math.Min(Math.Min(pixel[0], pixel[1]), pixel[2]);
            float scale = factor * range <= value ? factor : value / range;
            pixel[0] = value - ((value - pixel[0]) * scale);
            pixel[1] = value - ((value - pixel[1]) * scale);
            pixel[2] = value - ((value - pixel[2]) * scale);
        }

        Clip(image);
    }

    /// <summary>Rotates the hue of each pixel and keeps its saturation and value (as in HSV).</summary>
    /// <param name="image">Intensities of three channels. [row, column, channel]</param>
    /// <param name="turns">Rotation as a fraction of a full turn, above -1 and below 1.</param>
    internal static void TurnHue(Span<float> image, float turns)
    {
        float sixths = 6 * turns;
        for (int i = 0; i < image.Length; i += Colours)
        {
            Span<float> pixel = image.Slice(i, Colours);
            (float red, float green, float blue) = (pixel[0], pixel[1], pixel[2]);
            float value = Math.Max(Math.Max(red, green), blue);
            float range = value - Math.Min(Math.Min(red, green), blue);
            if (range <= 0)
            {
                continue;
            }

            // The hue in sixths of a turn: red is 0, green 2, blue 4.
            float hue = red == value ? (green - blue) / range
                : green == value ? ((blue - red) / range) + 2
                : ((red - green) / range) + 4;
            hue += sixths;
            hue -= 6 * MathF.Floor(hue * (1f / 6));
            pixel[0] = value - (range * (1 - Math.Clamp(Math.Abs(hue - 3) - 1, 0, 1)));
            pixel[1] = value - (range * (1 - Math.Clamp(2 - Math.Abs(hue - 2), 0, 1)));
            pixel[2] = value - (range * (1 - Math.Clamp(2 - Math.Abs(hue - 4), 0, 1)));
        }

        Clip(image);
    }

    /// <summary>Replaces all three channels by the luminance (Rec. 601 weights).</summary>
    internal static void Gray(Span<float> image)
    {
        for (int i = 0; i < image.Length; i += Colours)
        {
            Span<float> pixel = image.Slice(i, Colours);
            pixel.Fill((0.2989f * pixel[0]) + (0.5870f * pixel[1]) + (0.1140f * pixel[2]));
        }
    }

    /// <summary>Inverts every intensity of one half or more: v becomes 1 - v.</summary>
    internal static void Solarise(Span<float> image)
    {
        for (int i = 0; i < image.Length; i++)
        {
            image[i] = Math.Min(image[i], 1 - image[i]);
        }
    }

    /// <summary>Limits every intensity to [0, 1].</summary>
    internal static void Clip(Span<float> image) => TensorPrimitives.Clamp(image, 0f, 1f, image);
}
