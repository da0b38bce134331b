using Onward.Data;
using Onward.Data.Augmentation;

namespace Onward.Tests.Data;

public sealed class ImageSetTests
{
    private static readonly float[] Mean = [0.25f, 0.5f, 0.75f];
    private static readonly float[] Deviation = [0.5f, 2f, 1f];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void In_place_of_a_damaged_image_stands_the_next_of_the_same_part()
    {
        (ImageSet first, ImageSet last) = new ImagesOfAnySize(10, damaged: [2, 3, 6, 9]).SplitLast(3);

        Assert.Equal([0, 1, 4, 4, 4, 5, 0], Enumerable.Range(0, 7).Select(example => first.Read(example, new RawImage())));
        Assert.Equal([0, 1, 0], Enumerable.Range(0, 3).Select(example => last.Read(example, new RawImage())));
        Assert.Throws<DataException>(() => new ImagesOfAnySize(2, damaged: [0, 1]).Read(0, new RawImage()));
    }

    [Fact]
    public void Batches_do_not_depend_on_the_number_of_threads()
    {
        ImagesOfAnySize images = new(40, damaged: [7, 8, 39]);
        ViewRecipe[] views = [ViewRecipe.ContrastiveFirst, ViewRecipe.PaddedCrop];
        using BatchLoader one = new(images, Mean, Deviation, 7, seed: 4, views);
        using BatchLoader four = new(images, Mean, Deviation, 7, seed: 4, views, threads: 4);

        Assert.Equal(Everything(one.Epoch(2, 0, Token)), Everything(four.Epoch(2, 0, Token)));
        Assert.Equal(Everything(one.InOrder(Token)), Everything(four.InOrder(Token)));

        float[][] Everything(IEnumerable<ImageBatch> batches) => [.. batches.Select(Numbers)];

        float[] Numbers(ImageBatch batch) =>
        [
            .. batch.Labels.Take(batch.Count).Select(label => (float)label),
            .. batch.Pixels.Take(batch.Count * images.ImageLength),
        ];
    }

    [Fact]
    public void Both_views_show_the_image_read_as_drawn_for_the_one_asked_for()
    {
        ImagesOfAnySize images = new(12, damaged: [5]);
        ViewRecipe[] views = [ViewRecipe.AreaCrop, ViewRecipe.Flipped];
        using BatchLoader loader = new(images, Mean, Deviation, 12, seed: 4, views, threads: 3);
        ImageBatch batch = loader.Epoch(1, 0, Token).First();
        RawImage image = new();
        float[] view = new float[images.ImageLength];

        for (int at = 0; at < 24; at++)
        {
            int example = loader.Order(1)[at % 12];
            int read = example == 5 ? 6 : example;
            Assert.True(images.TryRead(read, image));
            new ViewMaker(views[at / 12], 4, images.Height, images.Width, 3)
                .Make(image.Pixels, image.Height, image.Width, 1, example, at / 12, view);

            Assert.Equal(images.Labels.Span[read], batch.Labels[at]);
            for (int k = 0; k < view.Length; k++)
            {
                Assert.Equal((view[k] - Mean[k % 3]) / Deviation[k % 3], batch.Pixels[(at * view.Length) + k], 1e-5f);
            }
        }
    }

    [Fact]
    public void Images_in_memory_are_dealt_out_as_those_that_are_read()
    {
        ImagesOfAnySize read = new(20, sizes: 1);
        byte[] pixels = [.. Enumerable.Range(0, 20).SelectMany(Pixels)];
        LabelledImages held = new(pixels, read.Labels, read.Height, read.Width, 3, read.Classes);
        using BatchLoader one = new(read, Mean, Deviation, 6, seed: 4, threads: 2), other = new(held, Mean, Deviation, 6, seed: 4);

        Assert.Equal(
            one.Epoch(0, 0, Token).Select(batch => batch.Pixels.ToArray()),
            other.Epoch(0, 0, Token).Select(batch => batch.Pixels.ToArray()));

        byte[] Pixels(int example)
        {
            RawImage image = new();
            read.TryRead(example, image);
            return image.Pixels.ToArray();
        }
    }

    [Fact]
    public void Batches_for_evaluation_stay_small()
    {
        using BatchLoader small = BatchLoader.ForEvaluation(new ImagesOfAnySize(30), Mean, Deviation);
        LabelledImages large = new(new byte[5 * 1000 * 1000 * 3], new int[5], 1000, 1000, 3, 1);
        using BatchLoader big = BatchLoader.ForEvaluation(large, Mean, Deviation);

        Assert.Equal([30], small.InOrder(Token).Select(batch => batch.Count));
        Assert.Equal([1, 1, 1, 1, 1], big.InOrder(Token).Select(batch => batch.Count));
    }

    [Fact]
    public void Memory_of_an_image_grows_and_is_used_again()
    {
        RawImage image = new();
        Span<byte> large = image.Resize(5, 4, 3);
        large.Fill(9);
        Span<byte> small = image.Resize(2, 2, 1);

        Assert.True(large.Overlaps(small));
        Assert.Equal((2, 2, 1, 4), (image.Height, image.Width, image.Channels, image.Pixels.Length));
        Assert.Throws<ArgumentException>(() => image.Resize(0, 2, 1).Length);
        Assert.Throws<ArgumentException>(() => image.Resize(100_000, 100_000, 3).Length);
        Assert.Throws<ArgumentException>(() => image.Show(new byte[5], 2, 3, 1));
    }

    // Each image is independent noise. A view of a part knows its position in the whole.
    private sealed class ImagesOfAnySize(int count, int[]? damaged = null, int first = 0, int sizes = 5)
        : ImageSet(Enumerable.Range(first, count).ToArray(), Side, Side, 3, first + count)
    {
        internal const int Side = 24;

        public override bool TryRead(int example, RawImage image)
        {
            int number = first + example;
            new Random(number).NextBytes(image.Resize(Side + (number % sizes), Side + (2 * (number % sizes)), 3));
            return damaged is null || !damaged.Contains(number);
        }

        protected override ImageSet Slice(int start, int length) => new ImagesOfAnySize(length, damaged, first + start, sizes);
    }
}
