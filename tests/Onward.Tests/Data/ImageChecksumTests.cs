using Onward.Data;

namespace Onward.Tests.Data;

public sealed class ImageChecksumTests
{
    [Fact]
    public void Equal_images_have_equal_checksums_wherever_they_lie()
    {
        Assert.Equal(Images(1, 2, 3, 4).Checksum, Images(1, 2, 3, 4).Checksum);
        Assert.Equal(Images(1, 2, 3, 4).Take(2).Checksum, Images(1, 2).Checksum);
        Assert.Equal(Images(1, 2, 3, 4).HoldOut(2, seed: 3).HeldOut.Checksum, Images(1, 2, 3, 4).HoldOut(2, seed: 3).HeldOut.Checksum);
    }

    [Fact]
    public void Any_difference_in_what_is_learnt_is_seen()
    {
        LabelledImages images = Images(1, 2, 3, 4);
        UInt128[] checksums =
        [
            images.Checksum,
            Images(2, 1, 3, 4).Checksum,
            Images(1, 2, 3, 5).Checksum,
            Images(1, 2, 3).Checksum,
            new LabelledImages(images.Pixels, new[] { 1, 0, 0, 1 }, 1, 1, 1, 2).Checksum,
            new LabelledImages(images.Pixels, images.Labels, 1, 1, 1, 3).Checksum,
            new LabelledImages(images.Pixels, new[] { 0, 1 }, 1, 2, 1, 2).Checksum,
            new LabelledImages(images.Pixels, new[] { 0, 1 }, 2, 1, 1, 2).Checksum,
            new ImageSubset(images, new[] { 0, 1 }).Checksum,
            new ImageSubset(images, new[] { 2, 3 }).Checksum,
            new ImageSubset(Images(1, 2, 3, 5), new[] { 0, 1 }).Checksum,
        ];

        Assert.Equal(checksums.Length, checksums.Distinct().Count());
    }

    [Fact]
    public void Sets_that_change_places_are_another_data_set()
    {
        ImageDataset data = new("four", Images(1, 2, 3, 4), Images(5, 6), [0.5f], [0.25f], "memory");

        Assert.Equal(32, data.Checksum().Length);
        Assert.NotEqual(data.Checksum(), (data with { Training = data.Test, Test = data.Training }).Checksum());
        Assert.NotEqual(data.Checksum(), (data with { StandardDeviation = [0.26f] }).Checksum());
        Assert.Equal(data.Checksum(), (data with { Source = "elsewhere", Name = "other" }).Checksum());
    }

    [Fact]
    public void Images_are_looked_at_once()
    {
        Counted images = new();

        _ = images.Checksum;
        _ = images.HoldOut(2, seed: 1).Training.Checksum;
        _ = images.HoldOut(2, seed: 2).HeldOut.Checksum;

        Assert.Equal(1, images.Looks);
    }

    private static LabelledImages Images(params byte[] pixels) =>
        new(pixels, Enumerable.Range(0, pixels.Length).Select(i => i % 2).ToArray(), 1, 1, 1, 2);

    private sealed class Counted() : ImageSet(new[] { 0, 0, 1, 1 }, 1, 1, 1, 2)
    {
        public int Looks { get; private set; }

        public override bool TryRead(int example, RawImage image) => throw new NotSupportedException();

        protected override ImageSet Slice(int start, int count) => throw new NotSupportedException();

        protected override UInt128 ChecksumOfImages() => (UInt128)(uint)++Looks;
    }
}
