using Onward.Data;

namespace Onward.Tests.Data;

public sealed class LabelledImagesTests
{
    [Fact]
    public void Views_show_the_same_examples_without_copying()
    {
        LabelledImages images = new(new byte[] { 1, 2, 3, 4, 5, 6 }, new[] { 0, 1, 2 }, 1, 2, 1, 3);

        (ImageSet firstSet, ImageSet lastSet) = images.SplitLast(1);

        LabelledImages first = Assert.IsType<LabelledImages>(firstSet), last = Assert.IsType<LabelledImages>(lastSet);
        Assert.Equal([1, 2, 3, 4], first.Pixels.ToArray());
        Assert.Equal([0, 1], first.Labels.ToArray());
        Assert.Equal([5, 6], last.Pixels.ToArray());
        Assert.Equal([2], last.Labels.ToArray());
        Assert.Equal([1, 2], Assert.IsType<LabelledImages>(images.Take(1)).Pixels.ToArray());
        Assert.True(images.Pixels.Span[4..].Overlaps(last.Pixels.Span));
    }

    [Theory]
    [InlineData(5, 0, 2, "need 6 bytes of pixels; got 5")]
    [InlineData(6, 3, 2, "example 1 has 3")]
    [InlineData(6, -1, 2, "example 1 has -1")]
    [InlineData(6, 0, 0, "got 3 examples of 1x0x1")]
    public void Wrong_lengths_and_labels_are_named(int bytes, int label, int width, string expected)
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(
            () => new LabelledImages(new byte[bytes], new[] { 0, label, 0 }, 1, width, 1, 3));

        Assert.Contains(expected, fault.Message);
    }

    [Fact]
    public void No_view_is_empty()
    {
        LabelledImages images = new(new byte[3], new int[3], 1, 1, 1, 1);

        Assert.Throws<ArgumentOutOfRangeException>(() => images.SplitLast(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => images.SplitLast(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => images.Take(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => images.Take(4));
    }
}
