using Onward.Data;

namespace Onward.Tests.Data;

public sealed class FashionMnistSourceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void A_named_folder_is_read_with_its_own_statistics_and_names()
    {
        _folder.WriteMnist();

        ImageDataset fashion = Source(null).Load(_folder.Path, null, Token);

        Assert.Equal(("Fashion-MNIST", 0.2860f, 0.3530f), (fashion.Name, fashion.Mean[0], fashion.StandardDeviation[0]));
        Assert.Equal(("T-shirt/top", "ankle boot"), (fashion.ClassNames[0], fashion.ClassNames[9]));
    }

    [Fact]
    public void Files_of_mnist_in_the_data_root_are_not_taken_for_its_own()
    {
        _folder.WriteMnist("root/");

        Assert.Null(Source(_folder["root"]).Locate(null));
        _folder.WriteMnist("root/fashion-mnist/");
        Assert.Equal(_folder["root/fashion-mnist"], Source(_folder["root"]).Locate(null));
    }

    [Fact]
    public void Other_files_than_the_published_ones_are_told_apart()
    {
        _folder.WriteMnist(suffix: ".gz");
        File.Delete(_folder["t10k-labels-idx1-ubyte.gz"]);
        File.Move(_folder["t10k-images-idx3-ubyte.gz"], _folder["t10k-images-idx3-ubyte"]);

        Assert.Equal(
            [FileState.Differs, FileState.Differs, FileState.Unknown, FileState.Missing],
            Source(null).Verify(_folder.Path).Select(check => check.State));
    }

    public void Dispose() => _folder.Dispose();

    private FashionMnistSource Source(string? root) => new() { DataRoot = root, CacheDirectory = _folder["cache"], Mirrors = [] };
}
