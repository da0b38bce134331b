using System.Runtime.InteropServices;
using Onward.Data;
using Onward.Formats;

namespace Onward.Training;

/// <summary>Identifies the images of a run in its checkpoints, so that the run is only resumed with the same images.</summary>
internal static class ImageIdentity
{
    /// <summary>The identifier that is written to checkpoints.</summary>
    internal static string Of(ImageDataset data) => data.Checksum();

    /// <summary>True if an identifier from a checkpoint matches these images.</summary>
    internal static bool IsOf(string name, ImageDataset data) =>
        name.Length == Checksum.Digits ? name == Of(data) : !OpenSsl.IsMissing && name == OfLabels(data);

    // The identifier of version 0.1, which covers labels and statistics but not pixels.
    private static string OfLabels(ImageDataset data)
    {
        using Checksum checksum = Checksum.OfVersion01();
        foreach (ImageSet images in new[] { data.Training, data.Test })
        {
            int[] sizes = [images.Count, images.Height, images.Width, images.Channels, images.Classes];
            checksum.Add(MemoryMarshal.AsBytes(sizes.AsSpan()));
            checksum.Add(MemoryMarshal.AsBytes(images.Labels.Span));
        }

        checksum.Add(MemoryMarshal.AsBytes(data.Mean.AsSpan()));
        checksum.Add(MemoryMarshal.AsBytes(data.StandardDeviation.AsSpan()));
        return checksum.End();
    }
}
