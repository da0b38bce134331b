using System.Diagnostics;
using System.Globalization;

namespace Onward.Mpi.Tests;

/// <summary>Programs under <c>mpirun</c>: the command line, or a test of this project on every rank.</summary>
internal static class MpiRun
{
    private static readonly string Onward = Path.Combine(AppContext.BaseDirectory, "Onward.Cli");

    /// <summary>True if this process was started by <see cref="Start"/>.</summary>
    public static bool IsRank =>
        Environment.GetEnvironmentVariable("OMPI_COMM_WORLD_SIZE") is not null
        || Environment.GetEnvironmentVariable("PMI_SIZE") is not null;

    /// <summary>Skips a test where there is no MPI.</summary>
    public static void Require() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && Find("mpirun"), "There is no mpirun here (Debian: apt-get install openmpi-bin).");

    /// <summary>Skips a test that only ranks run.</summary>
    public static void RequireRank() => Assert.SkipUnless(IsRank, "Ranks run this, started by the test that has its name.");

    /// <summary>Runs a test of this project on several ranks.</summary>
    public static void Test(int ranks, string method)
    {
        using Process process = Start(["-n", Text(ranks), Environment.ProcessPath!, "-method", method]);
        Outcome outcome = Finish(process);
        Assert.True(outcome.Code == 0, outcome.All);
    }

    /// <summary>Runs <c>onward</c> on several ranks.</summary>
    public static Outcome Command(int ranks, string folder, string command) => Finish(StartCommand(ranks, folder, command));

    /// <summary>Starts <c>onward</c> on several ranks.</summary>
    public static Process StartCommand(int ranks, string folder, string command) => Start(["-n", Text(ranks), .. Words(command)], folder);

    /// <summary>The program and the arguments that run an <c>onward</c> command.</summary>
    public static string[] Words(string command) => [Onward, .. command.Split(' ')];

    /// <summary>Starts <c>mpirun</c> with the given arguments.</summary>
    public static Process Start(IEnumerable<string> words, string folder = "", IEnumerable<string>? before = null)
    {
        string[] all = [.. before ?? [], "mpirun", "--oversubscribe", "--bind-to", "none", .. words];
        ProcessStartInfo start =
            new(all[0], all[1..]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
        return Process.Start(start)!;
    }

    /// <summary>Waits until a process ends.</summary>
    public static Outcome Finish(Process process)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return new Outcome(process.ExitCode, output.Result, error);
    }

    /// <summary>The process of one rank of a command.</summary>
    public static Process Rank(int rank, string mark) => Process.GetProcessesByName("Onward.Cli").Single(process =>
        Proc(process, "cmdline").Contains(mark, StringComparison.Ordinal)
        && Proc(process, "environ").Split('\0').Contains($"OMPI_COMM_WORLD_RANK={Text(rank)}"));

    private static bool Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    private static string Proc(Process process, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{Text(process.Id)}/{file}");
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    internal sealed record Outcome(int Code, string Out, string Error)
    {
        public string All => $"exit code {Code}\n{Out}\n{Error}";

        /// <summary>The lines that <c>onward</c> printed, without those of <c>mpirun</c>.</summary>
        public string[] Lines =>
        [
            .. (Out + Error).Split('\n')
                .Select(line => line[Math.Max(0, line.IndexOf("onward: ", StringComparison.Ordinal))..])
                .Where(line => line.StartsWith("onward: ", StringComparison.Ordinal)),
        ];
    }
}
