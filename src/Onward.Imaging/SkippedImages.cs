using System.Globalization;
using Onward.Data;

namespace Onward.Imaging;

/// <summary>Records the images that could not be read, up to a fraction of their data set. Safe for use by several threads.</summary>
public sealed class SkippedImages
{
    private const int Shown = 3;

    // A few damaged photographs in a small set do not end a run, nor does one in a hundred in a large set.
    private const double DefaultShare = 0.01;
    private const int AlwaysAllowed = 10;

    private readonly SortedDictionary<string, string> _faults = new(StringComparer.Ordinal); // by path

    /// <summary>Largest fraction of the images that may be skipped, 0 to 1. Null for one in a hundred, but at least ten images.</summary>
    public double? MostShare { get; set; }

    /// <summary>Advice for the message if too many images are damaged: one sentence or more.</summary>
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

    /// <summary>A short description of an image's fault; null if the image was not skipped.</summary>
    /// <param name="path">Path of the image.</param>
    public string? FaultOf(string path)
    {
        lock (_faults)
        {
            return _faults.GetValueOrDefault(path);
        }
    }

    /// <summary>The number of skipped images and the first of them, in one line.</summary>
    public override string ToString()
    {
        lock (_faults)
        {
            string plural = _faults.Count == 1 ? "" : "s";
            string more = _faults.Count > Shown ? ", ..." : "";
            string first = string.Join(", ", _faults.Take(Shown).Select(fault => $"{fault.Key} ({fault.Value})"));
            return string.Create(
                CultureInfo.InvariantCulture, $"skipped {_faults.Count} unreadable image{plural}: {first}{more}");
        }
    }

    /// <summary>Records an image. An image that is recorded several times counts once.</summary>
    /// <remarks>The run ends with the first exception. Faults that other threads find after that do not change the message.</remarks>
    /// <param name="path">Path of the image.</param>
    /// <param name="fault">Short description of the fault.</param>
    /// <param name="images">Number of images in the data set.</param>
    /// <exception cref="DataException">More than the allowed fraction of the images are damaged.</exception>
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
