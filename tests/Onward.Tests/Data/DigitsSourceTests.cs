using Onward.Data;

namespace Onward.Tests.Data;

public sealed class DigitsSourceTests
{
    [Fact]
    public void Both_sets_are_the_same_in_every_run_and_standardise_to_mean_0_and_variance_1()
    {
        ImageDataset data = DigitsSource.Load();

        using BatchLoader loader = new(data.Training, data.Mean, data.StandardDeviation, data.Training.Count, seed: 1);
        float[] pixels = loader.InOrder(TestContext.Current.CancellationToken).Single().Pixels;
        double mean = pixels.Average(), variance = pixels.Average(pixel => (double)pixel * pixel) - (mean * mean);

        Assert.Equal(
            (20_000, 4_000, 28, 28, 1, 10),
            (data.Training.Count, data.Test.Count, data.Test.Height, data.Test.Width, data.Test.Channels, data.Test.Classes));
        Assert.Equal(0, mean, 1e-4);
        Assert.Equal(1, variance, 1e-4);
        Assert.Equal(Pixels(data), Pixels(DigitsSource.Load()));

        static byte[] Pixels(ImageDataset data) => Assert.IsType<LabelledImages>(data.Training).Pixels.ToArray();
    }
}
