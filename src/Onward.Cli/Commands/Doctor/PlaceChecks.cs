using Onward.Data;

namespace Onward.Cli;

/// <summary>The checks of <c>onward doctor</c> for data sets and the folder of runs.</summary>
internal static class PlaceChecks
{
    private const double LeastSpace = 1e9; // bytes

    /// <summary>Makes all checks.</summary>
    internal static IEnumerable<Finding> All(Host host, string runs) => [.. host.Sources.Select(Describe), Space(runs)];

    private static Finding Describe(PublishedSource source)
    {
        try
        {
            return source.Locate(null) is string place
                ? new Finding(source.Name, $"found in {place}", Finding.Good, "")
                : new Finding(
                    source.Name,
                    "not on this machine",
                    Finding.Slow,
                    $"Run 'onward data download {source.Name}', or name its folder with --data or ONWARD_DATA");
        }
        catch (DataException fault)
        {
            return new Finding(source.Name, "cannot be searched for", Finding.Bad, fault.Message.TrimEnd('.'));
        }
    }

    private static Finding Space(string runs)
    {
        string? place = Path.GetFullPath(runs);
        while (place is not null && !Directory.Exists(place))
        {
            if (File.Exists(place))
            {
                return new Finding("run folder", $"{place} is a file", Finding.Bad, "Name another folder with --out");
            }

            place = Path.GetDirectoryName(place);
        }

        try
        {
            double free = new DriveInfo(place ?? runs).AvailableFreeSpace;
            return Finding.Of(
                "run folder",
                FormattableString.Invariant($"{runs}, {free / 1e9:0.0} GB free"),
                free >= LeastSpace,
                "Free some space, or name a folder on another disk with --out",
                Finding.Bad);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new Finding("run folder", $"{runs}: {fault.Message.TrimEnd('.')}", Finding.Bad, "Name another folder with --out");
        }
    }
}
