using Onward.Data;
using Onward.Data.Augmentation;

namespace Onward.Tests.Data;

public sealed class BatchLoaderTests
{
    private const float Tolerance = 1e-6f; // two roundings of values below 4

    private static readonly float[] Mean = [0.25f, 0.5f];
    private static readonly float[] Deviation = [0.5f, 2f];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Order_is_a_permutation_that_seed_and_epoch_decide()
    {
        using BatchLoader loader = Loader(100, 10, seed: 7);
        using BatchLoader same = Loader(100, 20, seed: 7);
        using BatchLoader other = Loader(100, 10, seed: 8);

        int[] order = loader.Order(3);

        Assert.Equal(Enumerable.Range(0, 100), order.Order());
        Assert.Equal(order, same.Order(3));
        Assert.NotEqual(order, loader.Order(4));
        Assert.NotEqual(order, other.Order(3));
    }

    [Fact]
    public void An_epoch_deals_the_examples_of_its_order_and_drops_the_rest()
    {
        using BatchLoader loader = Loader(23, 5);

        int[] labels = [.. loader.Epoch(2, 0, Token).SelectMany(Labels)];

        Assert.Equal(4, loader.StepsPerEpoch);
        Assert.Equal(loader.Order(2)[..20], labels);
    }

    [Fact]
    public void A_resumed_epoch_goes_on_with_the_same_batches()
    {
        using BatchLoader loader = Loader(23, 5);
        int[] whole = [.. loader.Epoch(1, 0, Token).SelectMany(Labels)];

        int[] resumed = [.. loader.Epoch(1, 3, Token).SelectMany(Labels)];

        Assert.Equal(whole[15..], resumed);
        Assert.Empty(loader.Epoch(1, 4, Token));
    }

    [Fact]
    public void Evaluation_deals_every_example_once_in_order()
    {
        using BatchLoader loader = Loader(23, 5);

        int[][] batches = [.. loader.InOrder(Token).Select(Labels)];

        Assert.Equal([5, 5, 5, 5, 3], batches.Select(batch => batch.Length));
        Assert.Equal(Enumerable.Range(0, 23), batches.SelectMany(batch => batch));
    }

    [Fact]
    public void Pixels_are_standardised_per_channel()
    {
        LabelledImages images = Images(10);
        using BatchLoader loader = new(images, Mean, Deviation, 4, seed: 1);

        foreach (ImageBatch batch in loader.Epoch(0, 0, Token))
        {
            for (int i = 0; i < batch.Count * images.ImageLength; i++)
            {
                int example = batch.Labels[i / images.ImageLength];
                byte value = images.Pixels.Span[(example * images.ImageLength) + (i % images.ImageLength)];
                Assert.Equal(((value / 255f) - Mean[i % 2]) / Deviation[i % 2], batch.Pixels[i], Tolerance);
            }
        }
    }

    [Fact]
    public void Two_views_of_each_image_follow_one_another_by_view()
    {
        LabelledImages images = Images(20);
        ViewRecipe second = ViewRecipe.PaddedCrop with { SolariseProbability = 1 };
        using BatchLoader loader = new(images, Mean, Deviation, 6, seed: 9, [ViewRecipe.Flipped, second]);
        ViewMaker[] makers = [new(ViewRecipe.Flipped, 9, 5, 7, 2), new(second, 9, 5, 7, 2)];
        float[] view = new float[images.ImageLength];
        int step = 0;

        foreach (ImageBatch batch in loader.Epoch(3, 0, Token))
        {
            int[] expected = loader.Order(3)[(6 * step)..(6 * ++step)];
            Assert.Equal((6, 2, 12), (batch.Images, batch.Views, batch.Count));
            Assert.Equal([.. expected, .. expected], Labels(batch));
            for (int i = 0; i < batch.Count; i++)
            {
                int example = batch.Labels[i];
                makers[i / 6].Make(images.Pixels.Span.Slice(example * view.Length, view.Length), 5, 7, 3, example, i / 6, view);
                for (int k = 0; k < view.Length; k++)
                {
                    Assert.Equal((view[k] - Mean[k % 2]) / Deviation[k % 2], batch.Pixels[(i * view.Length) + k], Tolerance);
                }
            }
        }

        Assert.Equal(3, step);
    }

    [Fact]
    public void Evaluation_sees_each_image_once_as_it_is()
    {
        using BatchLoader plain = Loader(23, 5);
        using BatchLoader augmented = new(Images(23), Mean, Deviation, 5, seed: 1, [ViewRecipe.PaddedCrop, ViewRecipe.PaddedCrop]);

        Assert.Equal(plain.InOrder(Token).Select(Pixels), augmented.InOrder(Token).Select(Pixels));

        static float[] Pixels(ImageBatch batch) => batch.Pixels[..(batch.Count * 70)];
    }

    [Fact]
    public void A_resumed_epoch_has_the_same_views()
    {
        using BatchLoader loader = new(Images(23), Mean, Deviation, 5, seed: 1, [ViewRecipe.PaddedCrop]);
        float[][] whole = [.. loader.Epoch(1, 0, Token).Select(batch => batch.Pixels.ToArray())];

        Assert.Equal(whole[2..], loader.Epoch(1, 2, Token).Select(batch => batch.Pixels.ToArray()));
    }

    [Fact]
    public void Reading_a_batch_allocates_nothing()
    {
        using BatchLoader loader = Loader(4000, 10);
        using IEnumerator<ImageBatch> batches = loader.Epoch(0, 0, Token).GetEnumerator();
        for (int i = 0; i < 50; i++)
        {
            batches.MoveNext();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        while (batches.MoveNext())
        {
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void An_epoch_left_early_gives_way_to_the_next()
    {
        using BatchLoader loader = Loader(100, 5);
        for (int epoch = 0; epoch < 50; epoch++)
        {
            ImageBatch batch = loader.Epoch(epoch, 0, Token).First();
            Assert.Equal(5, batch.Count);
        }

        Assert.Equal(loader.Order(9)[..100], loader.Epoch(9, 0, Token).SelectMany(Labels));
    }

    [Fact]
    public void Two_enumerations_at_once_are_refused()
    {
        using BatchLoader loader = Loader(100, 5);
        foreach (ImageBatch unused in loader.Epoch(0, 0, Token))
        {
            Assert.Throws<InvalidOperationException>(() => loader.Epoch(1, 0, Token).First());
        }
    }

    [Fact]
    public void Arguments_that_do_not_fit_are_refused()
    {
        LabelledImages images = Images(10);

        ArgumentException fault = Assert.Throws<ArgumentException>(() => new BatchLoader(images, Mean, Deviation, 11, seed: 1));
        Assert.Contains("1 to 10 examples", fault.Message);
        Assert.Throws<ArgumentException>(() => new BatchLoader(images, Mean, Deviation, 0, seed: 1));
        Assert.Throws<ArgumentException>(() => new BatchLoader(images, Mean, Deviation, 5, seed: 1, []));
        Assert.Throws<ArgumentException>(() => new BatchLoader(images, [0f], Deviation, 5, seed: 1));
        Assert.Throws<ArgumentException>(() => new BatchLoader(images, Mean, [1f, 0f], 5, seed: 1));
        using BatchLoader loader = Loader(10, 5);
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Order(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Epoch(0, 3, Token));
    }

    private static BatchLoader Loader(int count, int batchSize, ulong seed = 1) =>
        new(Images(count), Mean, Deviation, batchSize, seed);

    /// <summary>Images of 5x7x2 whose label is their index.</summary>
    private static LabelledImages Images(int count)
    {
        byte[] pixels = [.. Enumerable.Range(0, count * 70).Select(i => (byte)(i * 31))];
        return new LabelledImages(pixels, Enumerable.Range(0, count).ToArray(), 5, 7, 2, count);
    }

    private static int[] Labels(ImageBatch batch) => batch.Labels[..batch.Count];
}
