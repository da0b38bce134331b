using System.Diagnostics;
using System.Text.Json;

namespace Onward.Fuzz;

/// <summary>Runs worker processes for a reader until all its inputs were given, and starts another worker if one ends early.</summary>
internal static class Supervisor
{
    // Stops a reader that fails everywhere, which would take hours.
    private const int MostEarlyEnds = 50;

    /// <summary>Gives the inputs of a range to a reader.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="seed">Seed of the inputs.</param>
    /// <param name="from">Number of the first input.</param>
    /// <param name="count">Number of inputs.</param>
    internal static Outcome Run(Reader reader, ulong seed, long from, long count)
    {
        long began = Stopwatch.GetTimestamp(), end = from + count;
        Outcome outcome = new(reader.Name);
        for (int ends = 0; from < end && ends < MostEarlyEnds; ends++)
        {
            string folder = Path.Combine(Scratch, $"onward-fuzz-{Guid.NewGuid():N}");
            Directory.CreateDirectory(folder);
            try
            {
                from = RunOne(reader, seed, from, end - from, folder, outcome);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        outcome.Left = end - from;
        outcome.Elapsed = Stopwatch.GetElapsedTime(began);
        return outcome;
    }

    // Uses a memory file system if there is one, because every input is a file.
    private static string Scratch => Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    // Runs one worker and returns the number of the next input.
    private static long RunOne(Reader reader, ulong seed, long from, long count, string folder, Outcome outcome)
    {
        ProcessStartInfo start = new(
            Environment.ProcessPath!,
            Worker.Words(folder, reader.Name, seed, from, count))
        { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Insert(0, typeof(Supervisor).Assembly.Location);
        }

        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        bool told = false;
        while (process.StandardOutput.ReadLine() is string line)
        {
            if (line.StartsWith('{'))
            {
                outcome.Failures.Add(JsonSerializer.Deserialize<Failure>(line)!);
                told = true;
            }
            else
            {
                outcome.PeakMegabytes = Math.Max(outcome.PeakMegabytes, JsonSerializer.Deserialize<double>(line));
            }
        }

        process.WaitForExit();
        Tally tally = Worker.ReadMark(folder);
        outcome.Accepted += tally.Accepted;
        outcome.Refused += tally.Refused;
        if (process.ExitCode == 0)
        {
            return from + count;
        }

        if (process.ExitCode != Watch.Ended || !told)
        {
            outcome.Failures.Add(
                new Failure(reader.Name, tally.Index, "crash", $"the process ended with {process.ExitCode}: {errors.Result}"));
        }

        outcome.PeakMegabytes = Math.Max(outcome.PeakMegabytes, outcome.Failures[^1].Kind == "memory" ? Watch.MostMegabytes : 0);
        return tally.Index + 1;
    }

    /// <summary>Result of testing a reader.</summary>
    internal sealed class Outcome(string reader)
    {
        internal string Reader { get; } = reader;

        internal List<Failure> Failures { get; } = [];

        internal long Accepted { get; set; }

        internal long Refused { get; set; }

        internal long Left { get; set; }

        internal double PeakMegabytes { get; set; }

        internal TimeSpan Elapsed { get; set; }
    }
}
