using System.Globalization;
using Onward.Communication;
using Onward.Data;
using Onward.Formats;
using Onward.Mpi;
using Onward.Training;

namespace Onward.Cli;

/// <summary>Makes one line and an exit code of an exception.</summary>
internal static class Faults
{
    /// <summary>Names the exit code and the message of a fault.</summary>
    internal static (int Code, string Message) Describe(Exception fault) => fault switch
    {
        RunException or DataException or DownloadUnavailableException or ModelFileException or MpiException or RankMismatchException =>
            (ExitCode.BadInput, fault.Message),
        TrainingDivergedException => (ExitCode.Diverged, fault.Message),
        InterruptedException => (ExitCode.Interrupted, fault.Message),
        OperationCanceledException => (ExitCode.Interrupted, "interrupted."),
        OutOfMemoryException => (ExitCode.BadInput, "not enough memory. Take a smaller model or batch, or fewer threads."),
        _ => (ExitCode.Unexpected, string.Create(
            CultureInfo.InvariantCulture,
            $"unexpected error: {fault.GetType().Name}: {OneLine(fault.Message)} Set ONWARD_DEBUG=1 and run it again to see where.")),
    };

    // Messages of libraries may have several lines.
    private static string OneLine(string text) =>
        string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
