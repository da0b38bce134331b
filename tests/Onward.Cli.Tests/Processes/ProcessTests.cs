using System.Diagnostics;

namespace Onward.Cli.Tests;

/// <summary>Tests that need a separate process: kills, signals, locks and a full disk.</summary>
public sealed class ProcessTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --threads 1";

    private readonly Workplace _workplace = new();

    public ProcessTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals and mounts are Linux's here.");

    // Narrower vectors than the run was begun with, told to a process of its own.
    [Theory]
    [InlineData("EnableAVX512", "EnableAVX512F")]
    [InlineData("EnableAVX2")]
    [InlineData("EnableAVX")]
    public void A_run_goes_on_with_the_same_bits_with_vectors_of_any_width(params string[] disabled)
    {
        _workplace.Run($"{Small} --epochs 3 --out whole");
        _workplace.Run($"{Small} --epochs 3 --out run", interruptAt: "epoch 1/3");

        using Process process = OnwardProcess.Start(
            _workplace, "train --resume run", null, [.. disabled.Select(feature => ($"DOTNET_{feature}", "0"))]);
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();

        Assert.Equal(0, process.ExitCode);
        Assert.StartsWith("going on with S/1/1", error);
        Assert.Equal(
            File.ReadAllBytes(_workplace["work/whole/model.safetensors"]), File.ReadAllBytes(_workplace["work/run/model.safetensors"]));
    }

    [Theory]
    [InlineData("INT", 2)]
    [InlineData("TERM", 15)]
    [InlineData("HUP", 1)]
    [InlineData("USR1", 10)]
    [InlineData("USR2", 12)]
    [InlineData("XCPU", 24)]
    public void A_signal_keeps_the_run_and_says_how_to_go_on(string signal, int number)
    {
        Assert.SkipWhen(
            OnwardProcess.IsIgnored(number), $"SIG{signal} is ignored here, as for jobs in the background, and processes inherit that.");
        _workplace.Run($"{Small} --epochs 40 --out whole");
        using Process process = OnwardProcess.Start(_workplace, $"{Small} --epochs 40 --out run");
        process.StandardError.ReadLine();
        Thread.Sleep(100);

        OnwardProcess.Send(signal, process);
        string[] lines = process.StandardError.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();

        Assert.Equal(130, process.ExitCode);
        Assert.EndsWith("Go on with 'onward train --resume run'.", lines[^1]);
        Assert.Equal(0, _workplace.Run("train --resume run").Code);
        Assert.Equal(
            File.ReadAllBytes(_workplace["work/whole/model.safetensors"]), File.ReadAllBytes(_workplace["work/run/model.safetensors"]));
    }

    // When a terminal closes, the shell and the system both send it.
    [Fact]
    public void A_warning_that_comes_again_does_not_cut_the_last_checkpoint_short()
    {
        Assert.SkipWhen(OnwardProcess.IsIgnored(1), "SIGHUP is ignored here, and processes inherit that.");
        using Process process = OnwardProcess.Start(_workplace, $"{Small} --epochs 100000 --out run");
        process.StandardError.ReadLine();
        Thread.Sleep(100);

        for (int i = 0; i < 5; i++)
        {
            OnwardProcess.Send("HUP", process);
        }

        string text = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("Go on with 'onward train --resume run'.", text);
    }

    [Fact]
    public void A_signal_that_is_ignored_as_by_nohup_stays_ignored()
    {
        using Process process = OnwardProcess.Start(
            _workplace, $"{Small} --epochs 20 --out run", through: "trap '' HUP; exec \"$0\" \"$@\"");
        process.StandardError.ReadLine();

        OnwardProcess.Send("HUP", process);
        process.StandardError.ReadToEnd();
        process.WaitForExit();

        Assert.Equal(0, process.ExitCode);
    }

    // Renamed while a checkpoint is written after every step, with another folder put in its place, then killed.
    [Fact]
    public void A_run_folder_that_is_renamed_while_it_trains_stays_whole()
    {
        const string Long = $"{Small} --epochs 40";
        _workplace.Run($"{Long} --out whole");
        string renamed = _workplace["work/renamed"];
        using (Process killed = OnwardProcess.Start(_workplace, $"{Long} --out run --checkpoint-minutes 0"))
        {
            killed.StandardError.ReadLine();
            Directory.Move(_workplace["work/run"], renamed);
            Directory.CreateDirectory(_workplace["work/run"]);
            string[] before = Directory.GetFiles(Path.Combine(renamed, "checkpoints"));
            Assert.True(
                SpinWait.SpinUntil(
                    () => !before.SequenceEqual(Directory.GetFiles(Path.Combine(renamed, "checkpoints"))), TimeSpan.FromSeconds(30)),
                "No checkpoint in half a minute.");
            killed.Kill();
            killed.WaitForExit();
        }

        using Process goesOn = OnwardProcess.Start(_workplace, "train --resume renamed");
        goesOn.StandardError.ReadLine();
        Directory.Move(renamed, _workplace["work/again"]);
        string[] lines = goesOn.StandardError.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string result = goesOn.StandardOutput.ReadToEnd();
        goesOn.WaitForExit();

        Assert.Equal(0, goesOn.ExitCode);
        Assert.Equal(
            $"onward: the run folder renamed was renamed during training; the whole run is in {_workplace["work/again"]}.", lines[^1]);
        Assert.Contains(_workplace["work/again"], result);
        Assert.Empty(Directory.GetFileSystemEntries(_workplace["work/run"]));
        Assert.False(Directory.Exists(renamed));
        Assert.Equal(
            File.ReadAllBytes(_workplace["work/whole/model.safetensors"]), File.ReadAllBytes(_workplace["work/again/model.safetensors"]));
        Assert.True(File.Exists(_workplace["work/again/result.json"]));
    }

    [Fact]
    public void A_run_whose_folder_is_deleted_stops_and_makes_no_other()
    {
        using Process process = OnwardProcess.Start(_workplace, $"{Small} --epochs 100000 --out run --checkpoint-minutes 0");
        process.StandardError.ReadLine();

        Directory.Move(_workplace["work/run"], _workplace["work/run2"]);
        Assert.True(SpinWait.SpinUntil(() => Delete(_workplace["work/run2"]), TimeSpan.FromSeconds(30)), "The folder cannot be deleted.");
        string[] lines = process.StandardError.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();

        Assert.Equal(2, process.ExitCode);
        Assert.EndsWith(
            " to the run folder run: it is no longer there. If it was moved, go on with 'onward train --resume' and its new place.",
            lines[^1]);
        Assert.Empty(Directory.GetFileSystemEntries(_workplace["work"]));

        static bool Delete(string folder)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
                return true;
            }
            catch (IOException)
            {
                return false;
            }
        }
    }

    [Fact]
    public void A_lock_file_that_is_deleted_lets_no_second_process_in()
    {
        using Process first = OnwardProcess.Start(_workplace, $"{Small} --epochs 100000 --out run");
        first.StandardError.ReadLine();

        File.Delete(_workplace["work/run/.lock"]);

        _workplace.RefuseBeside("train --resume run", "work/run: another process is at work on this run. Wait until it ends, or stop it");
        Assert.Contains("running", _workplace.Run("runs .").Out);
        first.Kill();
        first.WaitForExit();
    }

    [Fact]
    public void Without_OpenSSL_runs_go_through_and_what_needs_it_says_so()
    {
        // The loader stops at the first file of the name, and an empty one is no library.
        Directory.CreateDirectory(_workplace["hidden"]);
        Assert.All(["3", "1.1", "1.0.2", "1.0.0", "10"], version => File.WriteAllText(_workplace[$"hidden/libssl.so.{version}"], ""));

        (int code, string text) = Run($"{Small} --epochs 1 --out run");
        Assert.True(code == 0, text);
        (code, text) = Run("train --resume run");
        Assert.True(code == 0, text);
        (code, text) = Run("doctor --threads 1");
        Assert.Equal(0, code);
        Assert.Contains("not found. Training works, but data sets cannot be downloaded or verified", text);
        (code, text) = Run($"data verify mnist --data {_workplace.Data}");
        Assert.Equal(2, code);
        Assert.Contains(
            "files cannot be compared with their published checksums: .NET needs OpenSSL for them, and this machine has none. "
            + "Install OpenSSL",
            text);
        (code, text) = Run("data download mnist");
        Assert.Equal(2, code);
        Assert.Contains(
            "cannot be downloaded: .NET needs OpenSSL for HTTPS and checksums, and this machine has none. Install OpenSSL", text);

        (int, string) Run(string command)
        {
            using Process process = OnwardProcess.Start(
                _workplace,
                command,
                null,
                ("LD_LIBRARY_PATH", _workplace["hidden"]),
                ("XDG_CACHE_HOME", _workplace["cache"]),
                ("ONWARD_DATA", ""));
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string all = process.StandardOutput.ReadToEnd() + errors.GetAwaiter().GetResult();
            process.WaitForExit();
            return (process.ExitCode, all);
        }
    }

    [Fact]
    public void Two_processes_do_not_share_a_run_and_a_killed_one_gives_it_back()
    {
        using Process first = OnwardProcess.Start(_workplace, $"{Small} --epochs 100000 --out run");
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
        Assert.SkipUnless(OnwardProcess.Call("mount", $"-t tmpfs -o size=7m tmpfs {disk}"), "Only root may mount a small disk.");
        try
        {
            Workplace.Result full = _workplace.Run($"{Small} --epochs 4 --keep 5 --out disk/run");
            string[] left =
            [
                .. Directory.EnumerateFiles(disk, "*", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(disk, path))
                .Order(StringComparer.Ordinal),
            ];

            Assert.Equal((2, ""), (full.Code, full.Out));
            Assert.Equal(
                $"onward: cannot write a checkpoint to the run folder {disk}/run: the disk is full. "
                + $"Make room, then go on with 'onward train --resume {disk}/run'.",
                full.ErrorLines[^1]);
            Assert.Equal(
                [
                    "run/.lock",
                    "run/checkpoints/epoch-0000-step-000000.safetensors",
                    "run/checkpoints/epoch-0001-step-000000.safetensors",
                    "run/config.json",
                    "run/metrics.csv",
                    "run/model.safetensors",
                ],
                left);

            Assert.True(OnwardProcess.Call("mount", $"-o remount,size=20m {disk}"));
            Assert.Equal(0, _workplace.Run("train --resume disk/run").Code);
            _workplace.Run($"{Small} --epochs 4 --out whole");
            Assert.Equal(
                File.ReadAllBytes(_workplace["work/whole/model.safetensors"]),
                File.ReadAllBytes(Path.Combine(disk, "run/model.safetensors")));
        }
        finally
        {
            OnwardProcess.Call("umount", disk);
        }
    }

    public void Dispose() => _workplace.Dispose();
}
