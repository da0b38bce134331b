using System.Numerics.Tensors;

namespace Onward.Data.Augmentation;

/// <summary>Operations on the intensities of an image in [0, 1], in place. [row, column, channel]</summary>
/// <remarks>Each ends in [0, 1]. Images are those of spec 5.1; what needs colours takes three channels.</remarks>
internal static class ColourOperations
{
    private const int Colours = 3;

    /// <summary>Adds the same to every intensity.</summary>
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

    /// <summary>Scales the saturation, at most to 1, with hue and value kept.</summary>
    /// <remarks>With the largest channel v and saturation s, each channel c is v - (v - c), and v - c is proportional to s.</remarks>
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

    /// <summary>Turns the hue, with saturation and value kept.</summary>
    /// <param name="image">Three channels.</param>
    /// <param name="turns">Part of a full turn, above -1 and below 1.</param>
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

            // The hue in sixths of a turn, one sixth a pure colour to its mixture with the next.
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

    /// <summary>Puts the luminance in all three channels.</summary>
    internal static void Gray(Span<float> image)
    {
        for (int i = 0; i < image.Length; i += Colours)
        {
            Span<float> pixel = image.Slice(i, Colours);
            pixel.Fill((0.2989f * pixel[0]) + (0.5870f * pixel[1]) + (0.1140f * pixel[2]));
        }
    }

    /// <summary>Turns every intensity of one half or more into its distance from 1.</summary>
    internal static void Solarise(Span<float> image)
    {
        for (int i = 0; i < image.Length; i++)
        {
            image[i] = Math.Min(image[i], 1 - image[i]);
        }
    }

    /// <summary>Brings every intensity into [0, 1].</summary>
    internal static void Clip(Span<float> image) => TensorPrimitives.Clamp(image, 0f, 1f, image);
}
