using System.Globalization;
using Onward.Data;

namespace Onward.Imaging;

/// <summary>The images that could not be read, up to a share of their data set. Safe for use from several threads.</summary>
public sealed class SkippedImages
{
    private const int Shown = 3;

    // One damaged photograph of a small set is no reason to end, nor is a hundredth of a large one.
    private const double DefaultShare = 0.01;
    private const int AlwaysAllowed = 10;

    private readonly SortedDictionary<string, string> _faults = new(StringComparer.Ordinal); // by path

    /// <summary>Largest share of the images that may be skipped, 0 to 1; null for a hundredth, or ten images where that is more.</summary>
    public double? MostShare { get; set; }

    /// <summary>One sentence or more on what to do when too many are damaged.</summary>
    public string Advice { get; init; } = "Replace them with intact copies, or allow more.";

    /// <summary>Number of different images that were skipped.</summary>
    public int Count
    {
        get
        {
            lock (_faults)
            {
                return _faults.Count;
            }
        }
    }

    /// <summary>The fault of an image in a few words; null where it was not skipped.</summary>
    /// <param name="path">The image.</param>
    public string? FaultOf(string path)
    {
        lock (_faults)
        {
            return _faults.GetValueOrDefault(path);
        }
    }

    /// <summary>The number of skipped images and the first few of them, in one line.</summary>
    public override string ToString()
    {
        lock (_faults)
        {
            string plural = _faults.Count == 1 ? "" : "s";
            string more = _faults.Count > Shown ? ", ..." : "";
            return string.Create(
                CultureInfo.InvariantCulture,
                $"skipped {_faults.Count} unreadable image{plural}: {string.Join(", ", _faults.Take(Shown).Select(fault => $"{fault.Key} ({fault.Value})"))}{more}");
        }
    }

    /// <summary>Takes note of an image; one that is known already counts once.</summary>
    /// <param name="path">The image.</param>
    /// <param name="fault">Its fault in a few words.</param>
    /// <param name="images">Images of its data set.</param>
    /// <remarks>Threads that find more while the first fault ends the run do not change what it says.</remarks>
    /// <exception cref="DataException">More than the allowed share of the images are damaged.</exception>
    internal void Add(string path, string fault, int images)
    {
        int limit = MostShare is double share ? (int)(share * images) : Math.Max(AlwaysAllowed, (int)(DefaultShare * images));
        lock (_faults)
        {
            if (_faults.Count <= limit)
            {
                _faults[path] = fault;
            }

            if (_faults.Count > limit)
            {
                throw new DataException(
                    string.Create(CultureInfo.InvariantCulture, $"{this}; at most {limit} of {images} may be. {Advice}"));
            }
        }
    }
}
