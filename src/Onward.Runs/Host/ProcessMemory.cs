using System.Diagnostics;

namespace Onward.Runs;

/// <summary>The memory of this process.</summary>
internal static class ProcessMemory
{
    /// <summary>The most physical memory that the process has held, in megabytes of 10^6 bytes.</summary>
    internal static double PeakMegabytes
    {
        get
        {
            using Process process = Process.GetCurrentProcess();
            return Math.Round(process.PeakWorkingSet64 / 1e6, 1);
        }
    }
}
