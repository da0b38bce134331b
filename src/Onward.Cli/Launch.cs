using System.Globalization;

namespace Onward.Cli;

/// <summary>The number and rank of MPI processes, from the environment variables that mpirun and similar programs set.</summary>
/// <param name="variable">Reads an environment variable. Returns null if it is not set.</param>
internal sealed class Launch(Func<string, string?> variable)
{
    // Open MPI, MPICH and Intel MPI, MVAPICH.
    private static readonly string[] Sizes = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"];
    private static readonly string[] RankNames = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "PMIX_RANK"];

    /// <summary>The number of processes that were started together; 1 without mpirun.</summary>
    internal int Processes => Math.Max(Sizes.Select(Number).FirstOrDefault(size => size is not null) ?? 1, Rank + 1);

    /// <summary>The rank of this process, from 0.</summary>
    internal int Rank => RankNames.Select(Number).FirstOrDefault(rank => rank is not null) ?? 0;

    private int? Number(string name) =>
        int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < int.MaxValue
            ? number
            : null;
}
