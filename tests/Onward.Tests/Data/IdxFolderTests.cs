using Onward.Data;

namespace Onward.Tests.Data;

public sealed class IdxFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void The_labels_tell_the_classes_and_the_training_images_their_statistics()
    {
        _folder.WriteMnist(suffix: ".gz");

        ImageDataset data = IdxFolder.Load(_folder.Path);

        double[] pixels = [.. TemporaryFolder.Images(3)[16..].Select(pixel => pixel / 255.0)];
        double mean = pixels.Average();
        Assert.Equal((6, 6, 3, 2), (data.Training.Classes, data.Test.Classes, data.Training.Count, data.Test.Count));
        Assert.Equal(mean, data.Mean[0], 1e-6);
        Assert.Equal(Math.Sqrt(pixels.Average(pixel => (pixel - mean) * (pixel - mean))), data.StandardDeviation[0], 1e-6);
        Assert.Equal(["0", "1", "2", "3", "4", "5"], data.ClassNames);
    }

    [Theory]
    [InlineData("train-images-idx3-ubyte", "t10k-images-idx3-ubyte")]
    [InlineData("train-images-idx4-ubyte", "t10k-images.idx4-ubyte")]
    public void Images_in_colour_have_statistics_of_their_own_in_each_channel(string training, string test)
    {
        WriteColours(training, test);

        ImageDataset data = IdxFolder.Load(_folder.Path);

        Assert.Equal((2, 3, 3), (data.Test.Height, data.Test.Width, data.Test.Channels));
        for (int channel = 0; channel < 3; channel++)
        {
            double[] pixels = [.. Enumerable.Range(0, 18).Select(i => (byte)(7 * ((3 * i) + channel)) / 255.0)];
            double mean = pixels.Average();
            Assert.Equal(mean, data.Mean[channel], 1e-6);
            Assert.Equal(Math.Sqrt(pixels.Average(pixel => (pixel - mean) * (pixel - mean))), data.StandardDeviation[channel], 1e-6);
        }
    }

    [Fact]
    public void A_channel_that_is_the_same_everywhere_is_only_shifted()
    {
        WriteColours("train-images-idx3-ubyte", "t10k-images-idx3-ubyte");
        byte[] images = TemporaryFolder.Colours(3, 3);
        for (int i = 22; i < images.Length; i += 3)
        {
            images[i] = 51;
        }

        _folder.Write("train-images-idx3-ubyte", images);

        ImageDataset data = IdxFolder.Load(_folder.Path);

        Assert.Equal((0.2f, 1f), (data.Mean[2], data.StandardDeviation[2]));
    }

    [Fact]
    public void Grey_and_colour_do_not_go_together()
    {
        WriteColours("train-images-idx3-ubyte", "t10k-images-idx3-ubyte");
        _folder.Write("t10k-images-idx3-ubyte", TemporaryFolder.Images(2));

        Assert.Contains(
            "training images of 2x3x3, test images of 2x3, expected one size",
            Assert.Throws<DataException>(() => IdxFolder.Load(_folder.Path)).Message);
    }

    [Fact]
    public void Colour_is_not_taken_for_MNIST()
    {
        WriteColours("train-images-idx3-ubyte", "t10k-images-idx3-ubyte");
        MnistSource mnist = new() { DataRoot = null, CacheDirectory = _folder["cache"], Mirrors = [] };

        DataException fault = Assert.Throws<DataException>(() => mnist.Load(_folder.Path, null, TestContext.Current.CancellationToken));

        Assert.Equal($"{_folder.Path}: colour images of 2x3x3, expected the grey ones of MNIST. Use the files of MNIST.", fault.Message);
    }

    [Fact]
    public void Images_all_of_one_grey_are_refused()
    {
        _folder.WriteMnist();
        _folder.Write("train-images-idx3-ubyte", TemporaryFolder.Header(0x803, 3, 2, 3, 18));

        Assert.Contains("are equal", Assert.Throws<DataException>(() => IdxFolder.Load(_folder.Path)).Message);
    }

    [Fact]
    public void An_empty_folder_is_told() =>
        Assert.Contains("no file train-images-idx3-ubyte.gz", Assert.Throws<DataException>(() => IdxFolder.Load(_folder.Path)).Message);

    [Fact]
    public void Random_damage_reads_or_is_told_and_takes_little_memory()
    {
        Random random = new(3);
        byte[] plain = TemporaryFolder.Images(3);
        byte[] gzip = TemporaryFolder.Gzip(plain);
        _folder.WriteMnist();
        for (int trial = 0; trial < 4_000; trial++)
        {
            byte[] damaged = [.. trial % 2 == 0 ? plain : gzip];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            _folder.Write("train-images-idx3-ubyte", damaged[..(random.Next(4) == 0 ? random.Next(damaged.Length) : damaged.Length)]);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                IdxFolder.Load(_folder.Path);
            }
            catch (DataException fault)
            {
                Assert.DoesNotContain('\n', fault.Message);
            }

            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 128 << 20, $"Trial {trial} took too much memory.");
        }
    }

    public void Dispose() => _folder.Dispose();

    private void WriteColours(string training, string test)
    {
        _folder.Write(training, TemporaryFolder.Colours(3, 3));
        _folder.Write("train-labels-idx1-ubyte", TemporaryFolder.Labels(1, 2, 3));
        _folder.Write(test, TemporaryFolder.Colours(2, 3));
        _folder.Write("t10k-labels-idx1-ubyte", TemporaryFolder.Labels(4, 5));
    }
}
