using System.Security.Cryptography;

namespace Onward.Data;

/// <summary>
/// Finds Fashion-MNIST on this machine, or downloads it once, and reads it. It has the format of MNIST and shows
/// clothing.
/// </summary>
/// <remarks>
/// Its files have the same names as the files of MNIST. So in <see cref="PublishedSource.DataRoot"/> only the subfolder
/// <c>fashion-mnist</c> is searched.
/// </remarks>
public sealed class FashionMnistSource : PublishedSource
{
    private static readonly IdxSet Published = new(
        "Fashion-MNIST",
        new("train-images-idx3-ubyte.gz", 26_421_880, HashAlgorithmName.MD5, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        new("train-labels-idx1-ubyte.gz", 29_515, HashAlgorithmName.MD5, "25c81989df183df01b3e8a0aad5dffbe"),
        new("t10k-images-idx3-ubyte.gz", 4_422_102, HashAlgorithmName.MD5, "bef4ecab320f06d8554ea6380940ec79"),
        new("t10k-labels-idx1-ubyte.gz", 5_148, HashAlgorithmName.MD5, "bb300cfdad3c16e7a12a480ee83cd310"));

    /// <summary>Creates the source with its default places.</summary>
    public FashionMnistSource()
        : base(
            "fashion-mnist",
            "pictures of clothing, 28x28 grey",
            [new("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/")])
    {
    }

    private protected override string? FindIn(string path) => Published.FindIn(path, Name);

    private protected override string? FindInRoot(string root) => Published.FindIn(Path.Combine(root, Name), Name);

    private protected override IEnumerable<PublishedFile> MissingFrom(string folder) => Published.MissingFrom(folder);

    private protected override IEnumerable<FileCheck> Check(string place) => Published.Check(place);

    private protected override ImageDataset Read(string place, string source)
    {
        (ImageSet training, ImageSet test) = Published.Read(place, classes: 10);
        return new ImageDataset("Fashion-MNIST", training, test, [0.2860f], [0.3530f], source)
        {
            ClassNames = ["T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"],
        };
    }
}
