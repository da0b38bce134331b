using System.Globalization;
using Onward.Data;

namespace Onward.Imaging;

/// <summary>The images that could not be read, up to a limit. Safe for use from several threads.</summary>
/// <param name="limit">Most images that may be skipped, 0 or more.</param>
public sealed class SkippedImages(int limit = 10)
{
    private const int Shown = 3;

    private readonly SortedDictionary<string, string> _faults = new(StringComparer.Ordinal); // by path

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

    /// <summary>What was skipped, in one line that names the first few.</summary>
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
    /// <remarks>Threads that find more while the first fault ends the run do not change what it says.</remarks>
    /// <exception cref="DataException">These are more than the limit.</exception>
    internal void Add(string path, string fault)
    {
        lock (_faults)
        {
            if (_faults.Count <= limit)
            {
                _faults[path] = fault;
            }

            if (_faults.Count > limit)
            {
                throw new DataException(string.Create(
                    CultureInfo.InvariantCulture, $"{this}. At most {limit} may be; replace them with intact copies, or remove them."));
            }
        }
    }
}
