using System.Globalization;
using System.Runtime.InteropServices;

namespace Onward.Runs;

/// <summary>The number of processors that this process uses by default.</summary>
internal static class Processors
{
    // The names that Open MPI and the starter of MPICH give it.
    private static readonly string[] RanksVariables = ["OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"];

    /// <summary>The processors that it may use, shared among the ranks that were started on this machine.</summary>
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

    /// <summary>A value that Linux reports of the first processor; null if it reports none.</summary>
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
