using System.Globalization;
using System.Runtime.InteropServices;

namespace Onward.Runs;

/// <summary>How many of the machine's processors this process takes when it is not told.</summary>
internal static class Processors
{
    // Open MPI's name, and that of MPICH's starter.
    private static readonly string[] RanksVariables = ["OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"];

    /// <summary>Those it may use, shared among the ranks that were started beside it on this machine.</summary>
    internal static int Share =>
        ShareOf(Environment.ProcessorCount, Count(ReadText("/sys/devices/system/cpu/online") ?? "") ?? Environment.ProcessorCount, Ranks());

    /// <summary>Processors for each of some ranks.</summary>
    /// <param name="usable">Processors that this process may use: fewer than the machine's where it is bound to some.</param>
    /// <param name="online">Processors of the machine.</param>
    /// <param name="ranks">Processes that share the machine.</param>
    internal static int ShareOf(int usable, int online, int ranks) => Math.Clamp(online / ranks, 1, usable);

    /// <summary>The number of processors in a list as Linux writes it, as in 0-3,8.</summary>
    internal static int? Count(string list)
    {
        int count = 0;
        foreach (string range in list.Split(','))
        {
            string[] ends = range.Split('-');
            if (!int.TryParse(ends[0], CultureInfo.InvariantCulture, out int first)
                || !int.TryParse(ends[^1], CultureInfo.InvariantCulture, out int last) || last < first)
            {
                return null;
            }

            count += last - first + 1;
        }

        return count;
    }

    private static int Ranks()
    {
        string? ranks = RanksVariables.Select(Environment.GetEnvironmentVariable).FirstOrDefault(value => value is not null);
        return int.TryParse(ranks, CultureInfo.InvariantCulture, out int count) && count > 0 ? count : 1;
    }

    /// <summary>The processor's name or, where the system does not tell it, its kind.</summary>
    internal static string Name => FromProcessorFile("model name") ?? RuntimeInformation.ProcessArchitecture.ToString();

    /// <summary>What Linux tells of the first processor; null if it does not.</summary>
    internal static string? FromProcessorFile(string key)
    {
        string? line = ReadText("/proc/cpuinfo")?.Split('\n').FirstOrDefault(one => one.StartsWith(key, StringComparison.Ordinal));
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }

    /// <summary>A text that the system shows in a file, without the blanks around it; null where there is none.</summary>
    internal static string? ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
