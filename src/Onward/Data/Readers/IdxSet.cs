namespace Onward.Data;

/// <summary>The four IDX files of a training set and a test set, under the names that MNIST gave them.</summary>
internal sealed record IdxSet(
    string Title, PublishedFile TrainingImages, PublishedFile TrainingLabels, PublishedFile TestImages, PublishedFile TestLabels)
{
    /// <summary>True if images may have three channels. Default false.</summary>
    public bool TakesColour { get; init; }

    private IReadOnlyList<PublishedFile> Files => [TrainingImages, TrainingLabels, TestImages, TestLabels];

    /// <summary>Finds the folder, or else its subfolder, that holds at least one of the files; null if neither does.</summary>
    public string? FindIn(string folder, string subfolder) =>
        new[] { folder, Path.Combine(folder, subfolder) }.FirstOrDefault(place => Files.Any(file => FindFile(place, file) is not null));

    /// <summary>Lists the files that a folder lacks.</summary>
    public IEnumerable<PublishedFile> MissingFrom(string folder) => Files.Where(file => FindFile(folder, file) is null);

    /// <summary>Compares the files of a folder with the published ones.</summary>
    public IEnumerable<FileCheck> Check(string folder) => Files.Select(file => FileCheck.Of(file, FindFile(folder, file)));

    /// <summary>Reads both sets.</summary>
    /// <param name="folder">The folder of the files.</param>
    /// <param name="classes">Number of classes; null for as many as the labels name.</param>
    /// <exception cref="DataException">A file is missing, unreadable or damaged, or the two sets do not match.</exception>
    public (ImageSet Training, ImageSet Test) Read(string folder, int? classes)
    {
        IdxPair trainingPair = IdxFile.Read(Require(folder, TrainingImages), Require(folder, TrainingLabels));
        IdxPair testPair = IdxFile.Read(Require(folder, TestImages), Require(folder, TestLabels));
        int count = classes ?? 1 + Math.Max(trainingPair.Labels.Max(), testPair.Labels.Max());
        StoredImages training = trainingPair.In(count), test = testPair.In(count);
        if ((training.Height, training.Width, training.Channels) != (test.Height, test.Width, test.Channels))
        {
            throw new DataException(
                $"{folder}: training images of {Size(training)}, test images of {Size(test)}, expected one size. "
                + "Use files of the same set.");
        }

        return TakesColour || training.Channels == 1
            ? (training, test)
            : throw new DataException(
                $"{folder}: colour images of {Size(training)}, expected the grey ones of {Title}. Use the files of {Title}.");
    }

    private static string Size(ImageSet images) =>
        images.Channels == 1 ? $"{images.Height}x{images.Width}" : $"{images.Height}x{images.Width}x{images.Channels}";

    private static string? FindFile(string folder, PublishedFile file)
    {
        string grey = Path.GetFileNameWithoutExtension(file.Name);
        string colour = grey.Replace("-idx3", "-idx4", StringComparison.Ordinal);
        return new[] { grey, colour }.SelectMany(Spellings).Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    private static IEnumerable<string> Spellings(string dashes)
    {
        string dot = dashes.Replace("-idx", ".idx", StringComparison.Ordinal);
        return [dashes, $"{dashes}.gz", dot, $"{dot}.gz"];
    }

    private string Require(string folder, PublishedFile file) => FindFile(folder, file)
        ?? throw new DataException(
            $"{folder}: no file {file.Name}, expected the four files of {Title}, plain or gzip. Add it, or name another folder.");
}
