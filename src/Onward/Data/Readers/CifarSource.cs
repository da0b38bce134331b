using System.Security.Cryptography;

namespace Onward.Data;

/// <summary>Finds CIFAR-10 (binary version) on this machine, or downloads it once, and reads it.</summary>
/// <remarks>
/// Reads the official archive <c>cifar-10-binary.tar.gz</c> directly, or its six <c>.bin</c> files. Either may lie in a
/// subfolder <c>cifar-10</c> or <c>cifar-10-batches-bin</c>. Examples keep the official order, batches 1 to 5.
/// </remarks>
public sealed class CifarSource : PublishedSource
{
    private const string Archive = "cifar-10-binary.tar.gz";
    private const string Unpacked = "cifar-10-batches-bin";

    private static readonly PublishedFile PublishedArchive = new(
        Archive, 170_052_171, HashAlgorithmName.MD5, "c32a1d4ab5d03f1284b67883e8d87530");

    // SHA-256 of the six files, in the order of their names. The checksum of the archive is used for downloads only, because an
    // archive that was packed again holds the same data.
    private static readonly string[] Checksums =
    [
        "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    ];

    /// <summary>Creates the source with its default places.</summary>
    public CifarSource()
        : base("cifar-10", "photographs of ten kinds of things, 32x32 colour", [new("https://www.cs.toronto.edu/~kriz/")])
    {
    }

    private protected override string? FindIn(string path)
    {
        if (File.Exists(path))
        {
            return path;
        }

        string[] folders = [path, Path.Combine(path, Unpacked), Path.Combine(path, Name), Path.Combine(path, Name, Unpacked)];
        return folders.Select(FindDirectly).FirstOrDefault(place => place is not null);
    }

    private protected override IEnumerable<PublishedFile> MissingFrom(string folder) =>
        FindIn(folder) is string place && (File.Exists(place) || IsComplete(place))
            ? []
            : [PublishedArchive];

    private protected override IEnumerable<FileCheck> Check(string place)
    {
        IReadOnlyDictionary<string, string> found = File.Exists(place) ? CifarFile.HashArchive(place) : CifarFile.HashFolder(place);
        return CifarFile.Names.Zip(Checksums, (name, checksum) => new FileCheck(
            name,
            !found.TryGetValue(name, out string? seen) ? FileState.Missing : seen == checksum ? FileState.Same : FileState.Differs));
    }

    // Statistics of the training set as in the paper's code.
    private protected override ImageDataset Read(string place, string source)
    {
        (ImageSet training, ImageSet test) = File.Exists(place) ? CifarFile.ReadArchive(place) : CifarFile.ReadFolder(place);
        return new ImageDataset(
            "CIFAR-10", training, test, [0.4914f, 0.4822f, 0.4465f], [0.2023f, 0.1994f, 0.2010f], source)
        {
            ClassNames = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
        };
    }

    // Unpacked files take precedence over the archive because they load faster.
    private static string? FindDirectly(string folder)
    {
        string archive = Path.Combine(folder, Archive);
        return IsComplete(folder) || (!File.Exists(archive) && CifarFile.Names.Any(name => File.Exists(Path.Combine(folder, name))))
            ? folder
            : File.Exists(archive) ? archive : null;
    }

    private static bool IsComplete(string folder) => CifarFile.Names.All(name => File.Exists(Path.Combine(folder, name)));
}
