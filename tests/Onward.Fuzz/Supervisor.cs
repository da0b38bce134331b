using System.Diagnostics;
using System.Text.Json;

namespace Onward.Fuzz;

/// <summary>Runs workers for a reader until all its inputs have been given, and starts another where one ends early.</summary>
internal static class Supervisor
{
    // A reader that fails everywhere would go on for hours.
    private const int MostEarlyEnds = 50;

    /// <summary>Gives a reader the inputs of a range.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="seed">Names the inputs.</param>
    /// <param name="from">The first.</param>
    /// <param name="count">How many.</param>
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

    // Memory, where the system offers it as a folder: every input is a file.
    private static string Scratch => Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    // The first input that is still to be given.
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

    /// <summary>What a reader made of its inputs.</summary>
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
