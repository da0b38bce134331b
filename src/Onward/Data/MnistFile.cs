namespace Onward.Data;

/// <summary>One of the four files of MNIST: how the mirrors call it, how large it is, and its SHA-256.</summary>
internal sealed record MnistFile(string Stem, string Kind, long Length, string Sha256)
{
    public static readonly MnistFile TrainingImages = new(
        "train-images", "idx3", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609");

    public static readonly MnistFile TrainingLabels = new(
        "train-labels", "idx1", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c");

    public static readonly MnistFile TestImages = new(
        "t10k-images", "idx3", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6");

    public static readonly MnistFile TestLabels = new(
        "t10k-labels", "idx1", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6");

    public static readonly IReadOnlyList<MnistFile> All = [TrainingImages, TrainingLabels, TestImages, TestLabels];

    public string Name => $"{Stem}-{Kind}-ubyte.gz";

    public string? FindIn(string directory)
    {
        string[] spellings = [$"{Stem}-{Kind}-ubyte", $"{Stem}-{Kind}-ubyte.gz", $"{Stem}.{Kind}-ubyte", $"{Stem}.{Kind}-ubyte.gz"];
        return spellings.Select(name => Path.Combine(directory, name)).FirstOrDefault(File.Exists);
    }
}
