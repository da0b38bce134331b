using System.Globalization;

namespace Onward.Imaging;

/// <summary>Counts the files and folders that are not read, by reason.</summary>
/// <param name="folder">The folder; paths are shown relative to it.</param>
internal sealed class LeftOut(string folder)
{
    private const int Shown = 3;

    private static readonly Reason[] Reasons = Enum.GetValues<Reason>();

    private readonly SortedSet<string>[] _first = [.. Reasons.Select(_ => new SortedSet<string>(StringComparer.Ordinal))]; // [reason]
    private readonly int[] _counts = new int[Reasons.Length]; // [reason]
    private readonly SortedDictionary<string, int> _endings = new(StringComparer.Ordinal); // images of unsupported formats, by extension

    /// <summary>Reasons to leave something out, in the order in which they are reported.</summary>
    internal enum Reason
    {
        /// <summary>An image of an unsupported format.</summary>
        Format,

        /// <summary>An image outside the class folders.</summary>
        NoClass,

        /// <summary>A file or folder whose name is not valid UTF-8, so that it cannot be opened.</summary>
        Name,

        /// <summary>A link to a folder, which might lead back to a parent folder.</summary>
        Link,

        /// <summary>A folder that is not one of the splits.</summary>
        NoSplit,

        /// <summary>A file without an image extension.</summary>
        NoImage,
    }

    /// <summary>One line for each reason.</summary>
    internal IEnumerable<string> Lines => Reasons.Where(reason => _counts[(int)reason] > 0).Select(Line);

    /// <summary>Counts a file or a folder.</summary>
    internal void Add(Reason reason, ReadOnlySpan<char> directory, ReadOnlySpan<char> name)
    {
        _counts[(int)reason]++;
        SortedSet<string> first = _first[(int)reason];
        first.Add(Path.GetRelativePath(folder, Path.Join(directory, name)));
        if (first.Count > Shown)
        {
            first.Remove(first.Max!);
        }

        if (reason == Reason.Format)
        {
            string ending = Path.GetExtension(name).ToString().ToLowerInvariant();
            _endings[ending] = _endings.GetValueOrDefault(ending) + 1;
        }
    }

    private string Line(Reason reason)
    {
        int count = _counts[(int)reason];
        (string what, string advice) = reason switch
        {
            Reason.Format => ($"{Count("image", count)} of formats that are not read ({Endings})", "Convert them to PNG or JPEG"),
            Reason.NoClass => ($"{Count("image", count)} in no folder of a class", "Move them into the folders of their classes"),
            Reason.Name => ($"{Count("name", count)} that are not valid UTF-8", "Rename them"),
            Reason.Link => ($"{Count("link", count)} to folders below a class", "Put the folders themselves there"),
            Reason.NoSplit => ($"{Count("folder", count)} for neither training nor validation nor test", "Move needed images there"),
            _ => ($"{Count("file", count)} that are no images by their ending", "Rename those that are"),
        };
        string more = count > Shown ? " and others" : "";
        return $"{folder}: left out {what}: {string.Join(", ", _first[(int)reason])}{more}. {advice}.";
    }

    private string Endings =>
        string.Join(", ", _endings.Select(ending => string.Create(CultureInfo.InvariantCulture, $"{ending.Value:N0} {ending.Key}")));

    private static string Count(string what, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} {what}{(count == 1 ? "" : "s")}");
}
