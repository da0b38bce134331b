using Onward.Data;

namespace Onward.Tests.Data;

public sealed class StratifiedSplitTests
{
    [Theory]
    [InlineData(new[] { 10, 10, 10 }, 6, new[] { 2, 2, 2 })]
    [InlineData(new[] { 100, 50, 25, 25 }, 20, new[] { 10, 5, 3, 2 }, new[] { 10, 5, 2, 3 })]
    [InlineData(new[] { 6, 0, 3 }, 3, new[] { 2, 0, 1 })]
    [InlineData(new[] { 1, 1, 98 }, 50, new[] { 0, 0, 50 })]
    [InlineData(new[] { 1, 1, 98 }, 97, new[] { 0, 0, 97 })]
    [InlineData(new[] { 1, 1, 98 }, 98, new[] { 1, 1, 96 })]
    [InlineData(new[] { 3, 3 }, 1, new[] { 1, 0 }, new[] { 0, 1 })]
    [InlineData(new[] { 4, 2 }, 0, new[] { 0, 0 })]
    [InlineData(new[] { 4, 2 }, 6, new[] { 4, 2 })]
    public void Images_sorted_by_class_give_each_class_the_same_share(int[] sizes, int count, params int[][] allowed)
    {
        int[] labels = [.. sizes.SelectMany((size, label) => Enumerable.Repeat(label, size))];
        foreach (ulong seed in new ulong[] { 1, 2, 3, ulong.MaxValue })
        {
            StratifiedSplit split = StratifiedSplit.Draw(labels, count, seed);

            int[] drawn = [.. sizes.Select((_, label) => split.Drawn.Count(example => labels[example] == label))];
            Assert.Contains(allowed, expected => expected.SequenceEqual(drawn));
        }
    }

    [Fact]
    public void The_parts_make_up_the_whole_in_its_order()
    {
        int[] labels = [.. Enumerable.Range(0, 1000).Select(i => i * i % 7)];

        StratifiedSplit split = StratifiedSplit.Draw(labels, 300, seed: 4);

        Assert.Equal(300, split.Drawn.Length);
        Assert.Equal(Enumerable.Range(0, 1000), split.Rest.Concat(split.Drawn).Order());
        Assert.Equal(split.Rest.Order(), split.Rest);
        Assert.Equal(split.Drawn.Order(), split.Drawn);
    }

    [Fact]
    public void A_seed_names_a_draw()
    {
        int[] labels = [.. Enumerable.Range(0, 40).Select(i => i / 20)];

        Assert.Equal(StratifiedSplit.Draw(labels, 10, seed: 1).Drawn, StratifiedSplit.Draw(labels, 10, seed: 1).Drawn);
        Assert.NotEqual(StratifiedSplit.Draw(labels, 10, seed: 1).Drawn, StratifiedSplit.Draw(labels, 10, seed: 2).Drawn);

        // Resumed runs depend on these numbers: another draw would move images between training and validation.
        Assert.Equal([1, 2, 9, 12, 13], StratifiedSplit.Draw(labels, 10, seed: 1).Drawn[..5]);
    }

    [Fact]
    public void Every_image_of_a_class_is_as_likely_to_be_drawn()
    {
        int[] labels = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1], drawn = new int[10];
        for (ulong seed = 0; seed < 1000; seed++)
        {
            foreach (int example in StratifiedSplit.Draw(labels, 3, seed).Drawn)
            {
                drawn[example]++;
            }
        }

        // Binomial, 1000 draws at 0.3: deviation 14.5.
        Assert.All(drawn, times => Assert.InRange(times, 300 - 60, 300 + 60));
    }

    [Fact]
    public void What_cannot_be_drawn_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => StratifiedSplit.Draw([0, 1], 3, seed: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => StratifiedSplit.Draw([0, 1], -1, seed: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => StratifiedSplit.Draw([0, -1], 1, seed: 1));
        Assert.Empty(StratifiedSplit.Draw([], 0, seed: 1).Rest);
    }

    [Fact]
    public void Images_held_out_are_views_that_are_dealt_out_like_images_in_memory()
    {
        LabelledImages images = new(new byte[] { 10, 11, 12, 13, 14, 15, 16, 17 }, new[] { 0, 0, 0, 0, 1, 1, 1, 1 }, 1, 1, 1, 2);

        (ImageSet training, ImageSet heldOut) = images.HoldOut(2, seed: 1);

        RawImage image = new();
        int[] pixels = [.. new[] { training, heldOut }.SelectMany(part => Enumerable.Range(0, part.Count).Select(i =>
        {
            Assert.True(part.TryRead(i, image));
            return (int)image.Pixels[0];
        }))];
        Assert.Equal([10, 11, 12, 13, 14, 15, 16, 17], pixels.Order());
        Assert.Equal([0, 1], heldOut.Labels.ToArray());
        Assert.True(training.NeedsNoDecoding);
        Assert.Throws<ArgumentOutOfRangeException>(() => images.HoldOut(0, seed: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => images.HoldOut(8, seed: 1));
    }
}
