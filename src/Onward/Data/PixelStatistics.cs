namespace Onward.Data;

/// <summary>Mean and standard deviation of each channel, with pixels scaled to [0, 1].</summary>
internal static class PixelStatistics
{
    /// <summary>Computes the statistics of a set whose images have one size. The integer sums are exact.</summary>
    /// <returns>Mean and standard deviation. [channel]</returns>
    public static (float[] Mean, float[] Deviation) Of(ImageSet images)
    {
        long[] sums = new long[images.Channels];
        long[] squares = new long[images.Channels];
        RawImage image = new();
        for (int example = 0; example < images.Count; example++)
        {
            images.TryRead(example, image);
            ReadOnlySpan<byte> pixels = image.Pixels;
            for (int i = 0; i < pixels.Length; i += images.Channels)
            {
                for (int channel = 0; channel < images.Channels; channel++)
                {
                    int pixel = pixels[i + channel];
                    sums[channel] += pixel;
                    squares[channel] += pixel * pixel;
                }
            }
        }

        double count = (double)images.Count * images.Height * images.Width;
        float[] mean = new float[images.Channels];
        float[] deviation = new float[images.Channels];
        for (int channel = 0; channel < images.Channels; channel++)
        {
            double average = sums[channel] / count;
            mean[channel] = (float)(average / 255);
            deviation[channel] = (float)(Math.Sqrt((squares[channel] / count) - (average * average)) / 255);
        }

        return (mean, deviation);
    }
}
