using Onward.Data;

namespace Onward.Tests.Data;

public sealed class ImageSubsetTests
{
    private static readonly LabelledImages Images = new(new byte[] { 10, 11, 12, 13, 14 }, new[] { 0, 1, 2, 0, 1 }, 1, 1, 1, 3);

    [Fact]
    public void Images_and_labels_are_those_that_were_named()
    {
        ImageSubset subset = new(Images, new[] { 4, 0, 4 });

        Assert.Equal([1, 0, 1], subset.Labels.ToArray());
        Assert.Equal([14, 10, 14], Enumerable.Range(0, 3).Select(i => Pixel(subset, i)));
        Assert.Equal([10, 14], Enumerable.Range(0, 2).Select(i => Pixel(subset.SplitLast(2).Last, i)));
        Assert.Equal((1, 1, 1, 3), (subset.Height, subset.Width, subset.Channels, subset.Classes));
    }

    [Fact]
    public void A_draw_is_what_an_epoch_begins_with()
    {
        using BatchLoader loader = new(Images, [0], [1], batchSize: 2, seed: 9);

        ImageSubset drawn = ImageSubset.Draw(Images, 4, seed: 9);

        Assert.Equal([.. loader.Order(0).Take(4).Select(example => 10 + example)], Enumerable.Range(0, 4).Select(i => Pixel(drawn, i)));
    }

    [Fact]
    public void Examples_that_are_not_there_are_refused()
    {
        Assert.Contains(
            "Examples must lie in 0..4; got 5.", Assert.Throws<ArgumentException>(() => new ImageSubset(Images, new[] { 0, 5 })).Message);
        Assert.Throws<ArgumentException>(() => new ImageSubset(Images, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageSubset.Draw(Images, 6, seed: 1));
    }

    private static int Pixel(ImageSet images, int example)
    {
        RawImage image = new();
        Assert.True(images.TryRead(example, image));
        return image.Pixels[0];
    }
}
