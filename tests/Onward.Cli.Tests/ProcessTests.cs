using System.Diagnostics;
using System.Globalization;

namespace Onward.Cli.Tests;

/// <summary>What only processes of their own can show: kills, signals, locks and a full disk.</summary>
public sealed class ProcessTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --threads 1";
    private const int Kills = 50;

    private readonly Workplace _workplace = new();

    public ProcessTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals and mounts are Linux's here.");

    // Checkpoints are written after every step, so that kills fall into writes. A run that ends before all kills makes room for another.
    [Fact]
    public void A_run_killed_at_fifty_moments_comes_to_what_it_would_have_come_to()
    {
        const string Long = $"{Small} --epochs 120";
        Assert.Equal(0, _workplace.Run($"{Long} --out whole").Code);
        Random moments = new(4);
        int kills = 0, runs = 0, torn = 0;
        while (kills < Kills)
        {
            string run = $"run{runs++}", command = $"{Long} --out {run} --checkpoint-minutes 0";
            while (kills < Kills && !File.Exists(_workplace[$"work/{run}/result.json"]))
            {
                using Process process = Start(command);
                bool atTheStart = kills % 5 == 0 && command.Contains("--resume", StringComparison.Ordinal);
                if (!atTheStart)
                {
                    string line = process.StandardError.ReadLine() ?? "";
                    Assert.True(line.StartsWith("going on with S/1/1", StringComparison.Ordinal) || line.StartsWith("training S/1/1", StringComparison.Ordinal), line);
                    string[] before = Checkpoints(run);
                    Assert.True(SpinWait.SpinUntil(() => process.HasExited || !before.SequenceEqual(Checkpoints(run)), TimeSpan.FromSeconds(30)), "No step in half a minute.");
                }

                Thread.Sleep(moments.Next(atTheStart ? 400 : 150));
                process.Kill();
                process.WaitForExit();
                kills++;
                torn += Directory.EnumerateFiles(_workplace[$"work/{run}"], "*.partial", SearchOption.AllDirectories).Any() ? 1 : 0;
                command = $"train --resume {run} --checkpoint-minutes 0";
            }

            Workplace.Result last = _workplace.Run($"train --resume {run}");
            TestContext.Current.TestOutputHelper?.WriteLine(last.ErrorLines[0]);
            Assert.Equal(0, last.Code);
            Assert.Equal(File.ReadAllBytes(_workplace["work/whole/model.safetensors"]), File.ReadAllBytes(_workplace[$"work/{run}/model.safetensors"]));
            Assert.Equal(Metrics("whole"), Metrics(run));
            Assert.Empty(Directory.EnumerateFiles(_workplace[$"work/{run}"], "*.partial", SearchOption.AllDirectories));
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kills} kills in {runs} runs, {torn} within a write"));
        Assert.True(torn > 0, "No kill fell into a write.");
    }

    [Theory]
    [InlineData("INT", 2)]
    [InlineData("TERM", 15)]
    public void A_signal_keeps_the_run_and_says_how_to_go_on(string signal, int number)
    {
        Assert.SkipWhen(IsIgnored(number), $"SIG{signal} is ignored here, as for jobs in the background, and processes inherit that.");
        _workplace.Run($"{Small} --epochs 40 --out whole");
        using Process process = Start($"{Small} --epochs 40 --out run");
        process.StandardError.ReadLine();
        Thread.Sleep(100);

        Send(signal, process);
        string[] lines = process.StandardError.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();

        Assert.Equal(130, process.ExitCode);
        Assert.EndsWith("Go on with 'onward train --resume run'.", lines[^1]);
        Assert.Equal(0, _workplace.Run("train --resume run").Code);
        Assert.Equal(File.ReadAllBytes(_workplace["work/whole/model.safetensors"]), File.ReadAllBytes(_workplace["work/run/model.safetensors"]));
    }

    [Fact]
    public void Two_processes_do_not_share_a_run_and_a_killed_one_gives_it_back()
    {
        using Process first = Start($"{Small} --epochs 100000 --out run");
        first.StandardError.ReadLine();

        _workplace.RefuseBeside("train --resume run", "work/run: another process is at work on this run. Wait until it ends, or stop it");
        _workplace.RefuseBeside($"{Small} --out run", "work/run is not empty");
        first.Kill();
        first.WaitForExit();

        Assert.Equal(130, _workplace.Run("train --resume run", interruptAt: "going on with").Code);
    }

    // Full from the first epoch on: there is room for two checkpoints, not for the third beside them.
    [Fact]
    public void A_full_disk_ends_the_run_in_one_line_and_nothing_is_lost()
    {
        string disk = _workplace["work/disk"];
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(Call("mount", $"-t tmpfs -o size=7m tmpfs {disk}"), "Only root may mount a small disk.");
        try
        {
            Workplace.Result full = _workplace.Run($"{Small} --epochs 4 --keep 5 --out disk/run");
            string[] left = [.. Directory.EnumerateFiles(disk, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(disk, path)).Order(StringComparer.Ordinal)];

            Assert.Equal((2, ""), (full.Code, full.Out));
            Assert.Equal($"onward: cannot write a checkpoint to the run folder {disk}/run: the disk is full. Make room, then go on with 'onward train --resume {disk}/run'.", full.ErrorLines[^1]);
            Assert.Equal(["run/.lock", "run/checkpoints/epoch-0000-step-000000.safetensors", "run/checkpoints/epoch-0001-step-000000.safetensors", "run/config.json", "run/metrics.csv", "run/model.safetensors"], left);

            Assert.True(Call("mount", $"-o remount,size=20m {disk}"));
            Assert.Equal(0, _workplace.Run("train --resume disk/run").Code);
            _workplace.Run($"{Small} --epochs 4 --out whole");
            Assert.Equal(File.ReadAllBytes(_workplace["work/whole/model.safetensors"]), File.ReadAllBytes(Path.Combine(disk, "run/model.safetensors")));
        }
        finally
        {
            Call("umount", disk);
        }
    }

    public void Dispose() => _workplace.Dispose();

    private Process Start(string command) => Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Onward.Cli"), command.Replace("{data}", _workplace.Data, StringComparison.Ordinal))
    {
        WorkingDirectory = _workplace["work"],
        RedirectStandardError = true,
        RedirectStandardOutput = true,
    })!;

    private static void Send(string signal, Process process) => Assert.True(Call("kill", string.Create(CultureInfo.InvariantCulture, $"-{signal} {process.Id}")));

    private static bool Call(string program, string arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static bool IsIgnored(int signal)
    {
        string mask = File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))[7..].Trim();
        return (ulong.Parse(mask, NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> (signal - 1) & 1) == 1;
    }

    private string[] Checkpoints(string run)
    {
        string folder = _workplace[$"work/{run}/checkpoints"];
        return Directory.Exists(folder) ? [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal)] : [];
    }

    private string[] Metrics(string folder) =>
        [.. File.ReadAllLines(_workplace[$"work/{folder}/metrics.csv"]).Select(line => string.Join(',', line.Split(',').SkipLast(2)))];
}
