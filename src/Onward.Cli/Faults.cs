using System.Globalization;
using Onward.Communication;
using Onward.Data;
using Onward.Formats;
using Onward.Mpi;
using Onward.Training;

namespace Onward.Cli;

/// <summary>Converts exceptions to messages and exit codes.</summary>
internal static class Faults
{
    /// <summary>Returns the exit code and the message of an exception.</summary>
    internal static (int Code, string Message) Describe(Exception fault) => fault switch
    {
        RunException run => (ExitCode.BadInput, run.In(CommandWords.Instance)),
        DataException or DownloadUnavailableException or ModelFileException or MpiException or RankMismatchException =>
            (ExitCode.BadInput, fault.Message),
        TrainingDivergedException => (ExitCode.Diverged, fault.Message),
        InterruptedException => (ExitCode.Interrupted, fault.Message),
        OperationCanceledException => (ExitCode.Interrupted, "interrupted."),
        OutOfMemoryException => (ExitCode.BadInput, "out of memory. Use a smaller model, a smaller batch size or fewer threads."),
        _ => (ExitCode.Unexpected, string.Create(
            CultureInfo.InvariantCulture,
            $"unexpected error: {fault.GetType().Name}: {OneLine(fault.Message)} Set ONWARD_DEBUG=1 to see the stack trace.")),
    };

    // Messages of other libraries may have several lines.
    private static string OneLine(string text) =>
        string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
