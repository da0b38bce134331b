using Onward.Data;
using Onward.Data.Augmentation;
using SkiaSharp;

namespace Onward.Imaging.Tests;

public sealed class ImageFolderTests : IDisposable
{
    private static readonly float[] Mean = [0.5f, 0.5f, 0.5f];
    private static readonly float[] Deviation = [0.25f, 0.25f, 0.25f];

    private readonly ImageFiles _files = ImageFiles.WithClasses();

    [Fact]
    public void Classes_and_files_are_in_the_order_of_their_names()
    {
        _files.Write("train/cat/notes.txt", [1]);
        _files.Write("train/cat/.hidden.png", [1]);

        ImageDataset data = Load();

        ImageFolder training = Assert.IsType<ImageFolder>(data.Training);
        Assert.Equal(["cat", "dog"], data.ClassNames);
        Assert.Equal(
            (6, 6, 2, 32, 32, 3), (training.Count, data.Test.Count, training.Classes, training.Height, training.Width, training.Channels));
        Assert.Equal([0, 0, 0, 1, 1, 1], training.Labels.ToArray());
        Assert.Equal(_files["train/dog/1.png"], training.PathOf(4));
        Assert.Equal(_files["val/cat/0.png"], Assert.IsType<ImageFolder>(data.Test).PathOf(0));
    }

    [Fact]
    public void A_view_on_the_last_images_reads_those()
    {
        (ImageSet first, ImageSet last) = Load().Training.SplitLast(2);

        RawImage image = new();
        Assert.Equal(_files["train/dog/1.png"], Assert.IsType<ImageFolder>(last.Take(1)).PathOf(0));
        Assert.True(last.TryRead(0, image));
        Assert.Equal((4, 2), (first.Count, last.Count));
        Assert.Equal([1, 1], last.Labels.ToArray());
        Assert.Equal(20, image.Pixels[0]);
    }

    [Fact]
    public void A_copied_folder_holds_the_same_images_and_another_name_or_size_makes_others()
    {
        UInt128 begun = Load().Training.Checksum;
        using ImageFiles copy = ImageFiles.WithClasses();
        Assert.Equal(begun, Load(copy).Training.Checksum);
        Assert.Equal(Load().Training.HoldOut(2, seed: 1).HeldOut.Checksum, Load(copy).Training.HoldOut(2, seed: 1).HeldOut.Checksum);

        File.Move(copy["train/cat/1.png"], copy["train/cat/1b.png"]);
        Assert.NotEqual(begun, Load(copy).Training.Checksum);
        File.Move(copy["train/cat/1b.png"], copy["train/cat/1.png"]);
        Assert.Equal(begun, Load(copy).Training.Checksum);

        File.AppendAllText(copy["train/cat/1.png"], "x");
        Assert.NotEqual(begun, Load(copy).Training.Checksum);
        Assert.Equal(Load().Test.Checksum, Load(copy).Test.Checksum);
    }

    [Fact]
    public void A_link_to_an_image_is_as_large_as_the_image()
    {
        UInt128 begun = Load().Training.Checksum;
        string image = _files["train/cat/1.png"], elsewhere = _files["elsewhere.png"];
        File.Move(image, elsewhere);
        File.CreateSymbolicLink(image, elsewhere);
        Assert.Equal(begun, Load().Training.Checksum);

        File.Delete(elsewhere);
        Assert.NotEqual(begun, Load().Training.Checksum);
    }

    [Fact]
    public void Names_may_be_of_any_letters_and_endings_of_either_case()
    {
        File.Move(_files["train/cat/1.png"], _files["train/cat/1 Kätzchen 猫.PNG"]);

        ImageFolder training = Assert.IsType<ImageFolder>(Load().Training);

        Assert.Equal(_files["train/cat/1 Kätzchen 猫.PNG"], training.PathOf(1));
        Assert.True(training.TryRead(1, new RawImage()));
        Assert.Equal(_files["train/cat/2.png"], training.PathOf(2));
    }

    [Theory]
    [InlineData("train", "no folder train in it")]
    [InlineData("train/dog", "a folder dog, which")]
    public void A_folder_that_is_missing_is_named(string missing, string expected)
    {
        Directory.Delete(_files[missing], recursive: true);

        DataException fault = Assert.Throws<DataException>(Load);

        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void An_empty_set_or_class_is_named()
    {
        Directory.Delete(_files["train/dog"], recursive: true);
        Directory.CreateDirectory(_files["train/dog"]);
        Assert.Contains("no images in it", Assert.Throws<DataException>(Load).Message, StringComparison.Ordinal);

        _files.Write("train/dog/0.png", [1]);
        Directory.Delete(_files["val"], recursive: true);
        Directory.CreateDirectory(_files["val"]);
        Assert.Contains("no folders in it", Assert.Throws<DataException>(Load).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_damaged_image_is_replaced_by_the_next_and_counted_once(int threads)
    {
        _files.Write("train/cat/2.png", [1, 2, 3]);
        SkippedImages skipped = new();
        using BatchLoader loader = new(Load(skipped).Training, Mean, Deviation, 6, seed: 1, threads: threads);

        ImageBatch batch = loader.InOrder(TestContext.Current.CancellationToken).Single();
        _ = loader.InOrder(TestContext.Current.CancellationToken).Single();

        int image = batch.Pixels.Length / 6;
        Assert.Equal([0, 0, 1, 1, 1, 1], batch.Labels);
        Assert.Equal(batch.Pixels[(3 * image)..(4 * image)], batch.Pixels[(2 * image)..(3 * image)]);
        Assert.Equal(1, skipped.Count);
        Assert.Equal($"skipped 1 unreadable image: {_files["train/cat/2.png"]} (no image)", skipped.ToString());
    }

    [Theory]
    [InlineData(3, 0.1)]
    [InlineData(3, 0.0)]
    [InlineData(11, null)]
    public void More_damaged_images_than_the_limit_end_the_run(int damaged, double? share)
    {
        _ = Damage(damaged);
        using BatchLoader loader = new(
            Load(new SkippedImages { MostShare = share, Advice = "Help yourself." }).Training, Mean, Deviation, 1, seed: 1);
        int limit = share is double part ? (int)(part * 2 * damaged * 4) : 10;

        DataException fault = Assert.Throws<DataException>(() => loader.InOrder(TestContext.Current.CancellationToken).Count());

        Assert.Contains($"skipped {limit + 1} unreadable image", fault.Message, StringComparison.Ordinal);
        Assert.EndsWith($"at most {limit} of {8 * damaged} may be. Help yourself.", fault.Message, StringComparison.Ordinal);
    }

    // The eleventh damaged image of a large set.
    [Theory]
    [InlineData(2, null)]
    [InlineData(12, 0.2)]
    public void As_many_damaged_images_as_the_share_allows_are_replaced(int damaged, double? share)
    {
        SkippedImages skipped = Damage(damaged);
        skipped.MostShare = share;
        using BatchLoader loader = new(Load(skipped).Training, Mean, Deviation, 1, seed: 1);

        Assert.Equal(4 * damaged, loader.InOrder(TestContext.Current.CancellationToken).Count());

        Assert.Equal(damaged, skipped.Count);
        Assert.Equal("no image", skipped.FaultOf(_files["train/cat/d0.png"]));
        Assert.Null(skipped.FaultOf(_files["train/dog/d0.png"]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Images_are_made_smaller_as_was_asked_in_every_view_on_them(bool antialias)
    {
        // The middle 64 pixels become 8, so the lines lie between the four taps.
        foreach (string name in Directory.GetFiles(_files.Path, "*.png", SearchOption.AllDirectories))
        {
            File.WriteAllBytes(
                name, ImageFiles.Encode(320, 320, (x, _) => x % 8 == 0 ? SKColors.White : SKColors.Black, SKEncodedImageFormat.Png));
        }

        ImageSet training = ImageFolder.Load(_files.Path, 8, new SkippedImages(), antialias: antialias).Training;
        float[][] pixels = [.. new[] { training, training.Take(2), new ImageSubset(training, (int[])[4, 2]) }.Select(set =>
        {
            Assert.Equal(antialias, set.Antialias);
            using BatchLoader loader = new(set, [0, 0, 0], [1, 1, 1], 1, seed: 1);
            return loader.InOrder(TestContext.Current.CancellationToken).First().Pixels.ToArray();
        })];

        Assert.All(pixels, one => Assert.Equal(pixels[0], one));
        Assert.All(pixels[0], value => Assert.InRange(value, antialias ? 0.05f : 0, antialias ? 0.2f : 0));
    }

    [Fact]
    public void Threads_change_no_bit_of_a_batch()
    {
        float[][] batches = [.. new[] { 1, 2, 5 }.Select(threads =>
        {
            using BatchLoader loader = new(
                Load().Training, Mean, Deviation, 6, seed: 1, [ViewRecipe.ContrastiveFirst, ViewRecipe.ContrastiveSecond], threads);
            return loader.Epoch(3, cancellation: TestContext.Current.CancellationToken).Single().Pixels.ToArray();
        })];

        Assert.Equal(batches[0], batches[1]);
        Assert.Equal(batches[0], batches[2]);
    }

    // The library's own resampling of the same kernel, at points that do not touch the edge.
    [Fact]
    public void Images_are_resized_as_the_library_does()
    {
        const int Side = 64, Target = 40;
        byte[] png = ImageFiles.Encode(
            Side,
            Side,
            (x, y) => new SKColor((byte)(128 + (100 * Math.Sin(x / 5.0))), (byte)(4 * y), (byte)(2 * (x + y))),
            SKEncodedImageFormat.Png);
        foreach (string name in Directory.GetFiles(_files.Path, "*.png", SearchOption.AllDirectories))
        {
            File.WriteAllBytes(name, png);
        }

        using BatchLoader loader = new(
            ImageFolder.Load(_files.Path, Target, new SkippedImages(), antialias: false).Training, [0, 0, 0], [1, 1, 1], 1, seed: 1);
        float[] ours = [.. loader.InOrder(TestContext.Current.CancellationToken).First().Pixels];

        // The centre crop of the paper's code.
        int crop = (int)(Target / (Target + 32.0) * Side), start = (Side - crop) / 2;
        using SKBitmap bitmap = SKBitmap.Decode(png);
        using SKBitmap part = new();
        Assert.True(bitmap.ExtractSubset(part, SKRectI.Create(start, start, crop, crop)));
        using SKBitmap resized = part.Resize(new SKImageInfo(Target, Target), new SKSamplingOptions(SKCubicResampler.CatmullRom));
        for (int y = 4; y < Target - 4; y++)
        {
            for (int x = 4; x < Target - 4; x++)
            {
                SKColor expected = resized.GetPixel(x, y);
                int at = 3 * ((y * Target) + x);
                Assert.Equal(expected.Red / 255f, ours[at], 0.02f);
                Assert.Equal(expected.Green / 255f, ours[at + 1], 0.02f);
                Assert.Equal(expected.Blue / 255f, ours[at + 2], 0.02f);
            }
        }
    }

    [Fact]
    public void Real_photographs_are_read()
    {
        string? folder = RealImages();
        Assert.SkipWhen(folder is null, "imagenette2-224-subset is neither in ONWARD_DATA nor in shared/data beside the repository.");

        SkippedImages skipped = new();
        ImageDataset data = ImageFolder.Load(folder, 64, skipped);
        using BatchLoader loader = BatchLoader.ForEvaluation(data.Training, data.Mean, data.StandardDeviation, threads: 2);
        int[] perClass = new int[10];
        foreach (ImageBatch batch in loader.InOrder(TestContext.Current.CancellationToken))
        {
            Assert.All(batch.Labels.Take(batch.Count), label => perClass[label]++);
            Assert.True(batch.Pixels.All(float.IsFinite));
        }

        Assert.Equal((600, 250, 10, 0), (data.Training.Count, data.Test.Count, data.ClassNames.Count, skipped.Count));
        Assert.All(perClass, count => Assert.Equal(60, count));
        Assert.Equal("n01440764", data.ClassNames[0]);
    }

    public void Dispose() => _files.Dispose();

    private ImageDataset Load() => Load(new SkippedImages());

    private static ImageDataset Load(ImageFiles files) => ImageFolder.Load(files.Path, 32, new SkippedImages());

    // A quarter of the training images, an eighth of all.
    private SkippedImages Damage(int damaged)
    {
        byte[] intact = File.ReadAllBytes(_files["train/cat/0.png"]);
        foreach (string folder in new[] { "train/cat", "train/dog", "val/cat", "val/dog" })
        {
            for (int i = 0; i < 2 * damaged; i++)
            {
                _files.Write($"{folder}/d{i}.png", folder == "train/cat" && i < damaged ? [1, 2, 3] : intact);
            }

            for (int i = 0; i < 3; i++)
            {
                File.Delete(_files[$"{folder}/{i}.png"]);
            }
        }

        return new SkippedImages();
    }

    private ImageDataset Load(SkippedImages skipped) => ImageFolder.Load(_files.Path, 32, skipped);

    private static string? RealImages()
    {
        List<string> roots = [.. new[] { Environment.GetEnvironmentVariable("ONWARD_DATA") }.OfType<string>()];
        for (DirectoryInfo? above = new(AppContext.BaseDirectory); above is not null; above = above.Parent)
        {
            roots.Add(Path.Combine(above.FullName, "shared", "data"));
        }

        return roots.Select(root => Path.Combine(root, "imagenette2-224-subset")).FirstOrDefault(Directory.Exists);
    }
}
