using System.Security.Cryptography;

namespace Onward.Data;

/// <summary>Finds MNIST on this machine, or downloads it once, and reads it.</summary>
/// <remarks>Every file may be plain or gzip, and be named <c>train-images-idx3-ubyte</c> or <c>train-images.idx3-ubyte</c>.</remarks>
public sealed class MnistSource : PublishedSource
{
    private static readonly IdxSet Published = new(
        "MNIST",
        new(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            HashAlgorithmName.SHA256,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        new(
            "train-labels-idx1-ubyte.gz",
            28_881,
            HashAlgorithmName.SHA256,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        new(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            HashAlgorithmName.SHA256,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        new(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            HashAlgorithmName.SHA256,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"));

    /// <summary>Creates the source with its default places.</summary>
    public MnistSource()
        : base(
            "mnist",
            "handwritten digits, 28x28 grey",
            [new("https://ossci-datasets.s3.amazonaws.com/mnist/"), new("https://storage.googleapis.com/cvdf-datasets/mnist/")])
    {
    }

    private protected override string? FindIn(string path) => Published.FindIn(path, Name);

    private protected override IEnumerable<PublishedFile> MissingFrom(string folder) => Published.MissingFrom(folder);

    private protected override IEnumerable<FileCheck> Check(string place) => Published.Check(place);

    private protected override ImageDataset Read(string place, string source)
    {
        (ImageSet training, ImageSet test) = Published.Read(place, classes: 10);
        return new ImageDataset("MNIST", training, test, [0.1307f], [0.3081f], source);
    }
}
