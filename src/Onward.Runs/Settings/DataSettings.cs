using Onward.Data;

namespace Onward.Runs;

/// <summary>The images that a command line asks for.</summary>
/// <param name="Dataset">The data set's name; null for MNIST if it can be had, else digits.</param>
/// <param name="Directory">Folder with its files; null to look for them.</param>
/// <param name="Validation">Training images to hold out.</param>
internal sealed record DataSettings(string? Dataset, string? Directory, int Validation)
{
    /// <summary>Rows and columns that images in folders are brought to; null for the default.</summary>
    internal int? ImageSize { get; init; }

    /// <summary>True if images in folders are smoothed before they are made smaller; default true.</summary>
    internal bool Antialias { get; init; } = true;

    /// <summary>Percent of the images in folders that may be damaged; null for the default.</summary>
    internal double? MaxDamaged { get; init; }

    /// <summary>Characters of a window of a text; null for the default.</summary>
    internal int? Context { get; init; }

    /// <summary>Loads the images, of which <see cref="RunPlan.Choose"/> holds some out.</summary>
    internal TrainingData Load(RunHost host)
    {
        (string name, ImageDataset images) = Datasets.Load(Dataset, Directory, ImageSize, host, Antialias, MaxDamaged, Context);
        Datasets.TellOfSplit(images, host);
        string? directory = Directory is null ? null : Path.GetFullPath(host.Resolve(Directory));
        return new TrainingData(name, images, directory, Validation);
    }
}
