using System.Diagnostics;
using System.Globalization;

namespace Onward.Cli.Tests;

/// <summary>Runs that are killed at random moments and resumed.</summary>
public sealed class KillTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --threads 1";
    private const int Kills = 50;

    // What is there for the first time at another moment of a run: while its folder is made, files take their names, it is kept, it ends.
    private static readonly string[] Moments =
    [
        "", ".lock", "checkpoints", "config.json.*.partial", "config.json", "metrics.csv.*.partial", "metrics.csv",
        "checkpoints/epoch-0000-step-000000.safetensors.*.partial", "checkpoints/epoch-0000-step-000000.safetensors",
        "checkpoints/epoch-0000-step-000002.safetensors.*.partial", "checkpoints/epoch-0000-step-000003.safetensors",
        "model.safetensors.*.partial", "model.safetensors", "checkpoints/epoch-0001-step-000000.safetensors.*.partial",
        "checkpoints/epoch-0001-step-000000.safetensors", "result.json.*.partial", "result.json",
    ];

    private readonly Workplace _workplace = new();

    public KillTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Kills are Linux's here.");

    [Fact]
    public void A_run_killed_while_it_is_made_kept_and_ended_is_absent_or_goes_on()
    {
        const string Short = $"{Small} --epochs 2";
        Assert.Equal(0, _workplace.Run($"{Short} --out whole").Code);
        string folder = _workplace["work/run"];
        Random delays = new(7);
        int kills = 0, unmade = 0;
        foreach ((string moment, int delay) in Moments.SelectMany(moment => new[] { (moment, 0), (moment, delays.Next(1, 10)) }))
        {
            using (Process process = OnwardProcess.Start(_workplace, $"{Short} --out run --checkpoint-minutes 0"))
            {
                while (!process.HasExited && !Exists(folder, moment))
                {
                }

                Thread.Sleep(delay);
                kills += process.HasExited ? 0 : 1;
                process.Kill();
                process.WaitForExit();
            }

            bool isMade = File.Exists(Path.Combine(folder, "config.json"));
            unmade += isMade ? 0 : 1;
            Workplace.Result last = _workplace.Run(isMade ? "train --resume run" : $"{Short} --out run");
            Assert.True(last.Code == 0, $"{moment}: {last.Error}");
            RequireSame("run");
            Directory.Delete(folder, recursive: true);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{kills} kills, {unmade} before there was a run"));
        Assert.True(kills >= 25, $"{kills} kills: most runs ended before.");
        Assert.True(unmade > 0, "No kill fell into the making of a folder.");
    }

    // Checkpoints are written after every step, so that kills fall into writes. A run that ends before all kills makes room for another.
    [Fact]
    public void A_run_killed_at_fifty_moments_comes_to_what_it_would_have_come_to()
    {
        const string Long = $"{Small} --epochs 120 --warmup-epochs 1";
        Assert.Equal(0, _workplace.Run($"{Long} --out whole").Code);
        Random moments = new(4);
        int kills = 0, runs = 0, torn = 0;
        while (kills < Kills)
        {
            string run = $"run{runs++}", command = $"{Long} --out {run} --checkpoint-minutes 0";
            while (kills < Kills && !File.Exists(_workplace[$"work/{run}/result.json"]))
            {
                using Process process = OnwardProcess.Start(_workplace, command);
                bool atTheStart = kills % 5 == 0 && command.Contains("--resume", StringComparison.Ordinal);
                if (!atTheStart)
                {
                    string line = process.StandardError.ReadLine() ?? "";
                    Assert.True(
                        line.StartsWith("going on with S/1/1", StringComparison.Ordinal)
                            || line.StartsWith("training S/1/1", StringComparison.Ordinal),
                        line);
                    string[] before = Checkpoints(run);
                    Assert.True(
                        SpinWait.SpinUntil(() => process.HasExited || !before.SequenceEqual(Checkpoints(run)), TimeSpan.FromSeconds(30)),
                        "No step in half a minute.");
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
            RequireSame(run);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{kills} kills in {runs} runs, {torn} within a write"));
        Assert.True(torn > 0, "No kill fell into a write.");
    }

    public void Dispose() => _workplace.Dispose();

    private static bool Exists(string folder, string pattern)
    {
        string path = Path.Combine(folder, pattern), above = Path.GetDirectoryName(path)!;
        return pattern.Contains('*', StringComparison.Ordinal)
            ? Directory.Exists(above) && Directory.EnumerateFiles(above, Path.GetFileName(pattern)).Any()
            : Path.Exists(path);
    }

    private void RequireSame(string run)
    {
        Assert.Equal(
            File.ReadAllBytes(_workplace["work/whole/model.safetensors"]), File.ReadAllBytes(_workplace[$"work/{run}/model.safetensors"]));
        Assert.Equal(_workplace.Measurements("whole"), _workplace.Measurements(run));
        Assert.Empty(Directory.EnumerateFiles(_workplace[$"work/{run}"], "*.partial", SearchOption.AllDirectories));
    }

    private string[] Checkpoints(string run)
    {
        string folder = _workplace[$"work/{run}/checkpoints"];
        return Directory.Exists(folder) ? [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal)] : [];
    }
}
