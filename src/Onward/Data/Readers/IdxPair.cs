namespace Onward.Data;

/// <summary>A file of images and a file with their labels.</summary>
/// <param name="LabelsPath">Path of the labels, for messages.</param>
/// <param name="Shape">Sizes of the images. [example, row, column] or [example, row, column, channel]</param>
/// <param name="Pixels">The images.</param>
/// <param name="Labels">Class of each example. [example]</param>
internal sealed record IdxPair(string LabelsPath, int[] Shape, StoredBytes Pixels, int[] Labels)
{
    /// <summary>The images, with a number of classes.</summary>
    /// <exception cref="DataException">A label is out of range.</exception>
    internal StoredImages In(int classes) => Labels.AsSpan().IndexOfAnyExceptInRange(0, classes - 1) is >= 0 and int wrong
        ? throw new DataException($"{LabelsPath}: label {wrong} is {Labels[wrong]}, expected 0 to {classes - 1}. {FileGuard.Cure}")
        : new StoredImages([Pixels], Labels, (Shape[1], Shape[2], Shape.Length == 4 ? Shape[3] : 1), classes);
}
