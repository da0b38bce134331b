using Onward.Data;

namespace Onward.Tests.Data;

public sealed class MnistSourceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "")]
    [InlineData("", ".gz")]
    [InlineData("mnist/", "")]
    public void A_named_folder_is_read_plain_or_gzip_or_from_its_subfolder(string prefix, string suffix)
    {
        _folder.WriteMnist(prefix, suffix);

        ImageDataset mnist = Source().Load(_folder.Path, null, Token);

        Assert.Equal(("MNIST", 3, 2), (mnist.Name, mnist.Training.Count, mnist.Test.Count));
        Assert.Equal([1, 2, 3], mnist.Training.Labels.ToArray());
        Assert.Equal((0.1307f, 0.3081f), (mnist.Mean[0], mnist.StandardDeviation[0]));
        Assert.StartsWith(_folder.Path, mnist.Source);
    }

    [Fact]
    public void The_spelling_with_a_dot_is_found()
    {
        _folder.WriteMnist();
        File.Move(_folder["t10k-images-idx3-ubyte"], _folder["t10k-images.idx3-ubyte"]);

        Assert.Equal(2, Source().Load(_folder.Path, null, Token).Test.Count);
    }

    [Fact]
    public void A_file_missing_from_a_named_folder_is_named_with_the_folder()
    {
        _folder.WriteMnist("mnist/");
        File.Delete(_folder["mnist/t10k-labels-idx1-ubyte"]);

        DataException fault = Assert.Throws<DataException>(() => Source().Load(_folder.Path, null, Token));
        Assert.StartsWith($"{_folder["mnist"]}: no file t10k-labels-idx1-ubyte.gz", fault.Message);
        fault = Assert.Throws<DataException>(() => Source().Load(_folder["absent"], null, Token));
        Assert.StartsWith($"{_folder["absent"]}: no file train-images-idx3-ubyte.gz", fault.Message);
    }

    [Fact]
    public void Sets_of_two_image_sizes_are_refused()
    {
        _folder.WriteMnist();
        _folder.Write("t10k-images-idx3-ubyte", TemporaryFolder.Images(2, 5, 5));

        DataException fault = Assert.Throws<DataException>(() => Source().Load(_folder.Path, null, Token));
        Assert.Contains("training images of 2x3, test images of 5x5", fault.Message);
    }

    [Fact]
    public void The_data_root_goes_before_the_cache()
    {
        _folder.WriteMnist("root/mnist/");
        _folder.WriteMnist("cache/");

        Assert.Equal(_folder["root/mnist"], Source(root: _folder["root"]).Load(null, null, Token).Source);
        Assert.Equal(_folder["cache"], Source(root: _folder["cache"]).Load(null, null, Token).Source);
    }

    [Fact]
    public void A_data_root_without_mnist_leads_on_to_the_cache()
    {
        _folder.WriteMnist("cache/");
        Directory.CreateDirectory(_folder["root"]);

        Assert.Equal(_folder["cache"], Source(root: _folder["root"]).Load(null, null, Token).Source);
        Assert.Equal(_folder["cache"], Source(root: "").Load(null, null, Token).Source);
    }

    [Fact]
    public void A_data_root_that_does_not_exist_is_told()
    {
        DataException fault = Assert.Throws<DataException>(() => Source(root: _folder["absent"]).Load(null, null, Token));
        Assert.Contains("ONWARD_DATA", fault.Message);
    }

    [Fact]
    public void Nothing_here_and_no_mirror_is_told_apart_from_damage() =>
        Assert.Throws<DownloadUnavailableException>(() => Source().Load(null, null, Token));

    [Fact]
    public void The_real_files_have_the_known_number_of_labels_per_class()
    {
        ImageDataset mnist = Source().Load(RealMnist.FolderOrSkip(), null, Token);

        Assert.Equal((60_000, 28, 28, 1), (mnist.Training.Count, mnist.Training.Height, mnist.Training.Width, mnist.Training.Channels));
        Assert.Equal([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], CountPerClass(mnist.Training));
        Assert.Equal([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], CountPerClass(mnist.Test));
    }

    public void Dispose() => _folder.Dispose();

    private static int[] CountPerClass(ImageSet images)
    {
        int[] counts = new int[images.Classes];
        foreach (int label in images.Labels.Span)
        {
            counts[label]++;
        }

        return counts;
    }

    private MnistSource Source(string? root = null) =>
        new() { DataRoot = root, CacheDirectory = _folder["cache"], Mirrors = [] };
}
