using System.Diagnostics;

namespace Onward.Fuzz;

/// <summary>Ends the process if an input takes too much time or memory, even if the reader never returns.</summary>
/// <param name="reader">The reader.</param>
/// <param name="run">The run that gives inputs to the reader.</param>
internal sealed class Watch(Reader reader, FuzzRun run)
{
    /// <summary>Exit code of a process that was ended by the watch.</summary>
    internal const int Ended = 3;

    /// <summary>Limit on the memory of the process, in megabytes.</summary>
    internal const double MostMegabytes = 1000;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    // Limits processor time, because the machine may be busy, and elapsed time, for a reader that waits.
    private static readonly TimeSpan MostProcessorTime = TimeSpan.FromSeconds(5), MostTime = TimeSpan.FromSeconds(60);

    /// <summary>Starts watching.</summary>
    /// <param name="report">Called with the failure.</param>
    internal void Start(Action<Failure> report)
    {
        Thread thread = new(() => Look(report)) { IsBackground = true };
        thread.Start();
    }

    private void Look(Action<Failure> report)
    {
        using Process process = Process.GetCurrentProcess();
        (long Index, long Started) seen = (0, 0);
        TimeSpan processorTime = default;
        while (true)
        {
            Thread.Sleep(Interval);
            (long Index, long Started) now = run.UnderWay;
            process.Refresh();
            if (process.PeakWorkingSet64 > MostMegabytes * 1e6)
            {
                End(report, now.Index, "memory", $"the process holds more than {MostMegabytes} MB");
            }

            if (now != seen || now.Started == 0)
            {
                (seen, processorTime) = (now, process.TotalProcessorTime);
            }
            else if (process.TotalProcessorTime - processorTime > MostProcessorTime || Stopwatch.GetElapsedTime(now.Started) > MostTime)
            {
                End(report, now.Index, "hang", $"no end after {Stopwatch.GetElapsedTime(now.Started).TotalSeconds:0.0} s");
            }
        }
    }

    private void End(Action<Failure> report, long index, string kind, string detail)
    {
        report(new Failure(reader.Name, index, kind, detail));
        Environment.Exit(Ended);
    }
}
