using System.Buffers.Binary;
using System.Diagnostics;
using Onward.Data;
using Onward.Training;

namespace Onward.Mpi.Tests;

/// <summary>Runs of the command line on several ranks.</summary>
[Trait("Category", "Mpi")]
public sealed class SharedRunTests : IDisposable
{
    private const string Small = "train --dataset idx --data data --model M/8/16 --batch-size 8 --lr 0.0001 --threads 1";

    private readonly string _folder = Directory.CreateTempSubdirectory("onward-mpi-").FullName;

    public SharedRunTests()
    {
        MpiRun.Require();
        Directory.CreateDirectory(Path.Combine(_folder, "data"));
        Write("train", 0, 24);
        Write("t10k", 24, 10);
        CopyWithOtherPixels();
    }

    [Fact]
    public void Only_the_first_rank_prints_and_writes_and_a_run_goes_on_with_other_ranks()
    {
        MpiRun.Outcome whole = MpiRun.Command(1, _folder, $"{Small} --epochs 2 --out one");
        MpiRun.Outcome shared = MpiRun.Command(4, _folder, $"{Small} --epochs 2 --out four --parallel 2x2 --json");

        Assert.True(whole.Code == 0 && shared.Code == 0, whole.All + shared.All);
        Assert.Single(shared.Out.Split('\n'), line => line.Contains("testError", StringComparison.Ordinal));
        Assert.Equal(2, shared.Error.Split("epoch ").Length - 1);
        Assert.InRange(Distance("one", "four"), 0, 1e-6);

        foreach (string later in Directory.GetFiles(Path.Combine(_folder, "four/checkpoints"), "epoch-0002*"))
        {
            File.Delete(later);
        }

        File.Delete(Path.Combine(_folder, "four/result.json"));
        MpiRun.Outcome resumed = MpiRun.Command(2, _folder, "train --resume four --parallel blocks");
        Assert.True(resumed.Code == 0, resumed.All);
        Assert.Contains("after epoch 1 of 2", resumed.Error);
        Assert.InRange(Distance("one", "four"), 0, 1e-6);
    }

    [Fact]
    public void Ranks_that_nothing_tells_to_share_a_run_train_no_copies_of_it()
    {
        MpiRun.Outcome outcome = MpiRun.Command(3, _folder, $"{Small} --epochs 2 --out copies");

        Assert.True(outcome.Code == 2, outcome.All);
        Assert.StartsWith("onward: mpirun started 3 processes, and each would train the whole run. ", Assert.Single(outcome.Lines));
        Assert.False(Directory.Exists(Path.Combine(_folder, "copies")));
    }

    // The library that was found counts one process, but mpirun of another MPI started two.
    [Fact]
    public void A_library_of_another_mpi_than_mpirun_is_refused()
    {
        ProcessStartInfo start = StartWithoutMpirun();
        (start.Environment["MV2_COMM_WORLD_SIZE"], start.Environment["MV2_COMM_WORLD_RANK"]) = ("2", "0");

        MpiRun.Outcome outcome = MpiRun.Finish(Process.Start(start)!);

        Assert.True(outcome.Code == 2, outcome.All);
        Assert.Matches(
            @"^onward: mpirun started 2 processes, but the MPI library \(\w.+\) found 1: mpirun belongs to another MPI library\. ",
            Assert.Single(outcome.Lines));
        Assert.False(Directory.Exists(Path.Combine(_folder, "foreign")));
    }

    [Theory]
    [InlineData("libm.so.6", "onward: $ONWARD_MPI names libm.so.6, which is not an MPI library: it has no MPI_Init_thread. ")]
    [InlineData("libnone.so", "onward: no MPI library was found (looked for libnone.so). ")]
    public void A_library_that_is_no_mpi_is_refused(string library, string reason)
    {
        ProcessStartInfo start = StartWithoutMpirun();
        start.Environment["ONWARD_MPI"] = library;

        MpiRun.Outcome outcome = MpiRun.Finish(Process.Start(start)!);

        Assert.True(outcome.Code == 2, outcome.All);
        Assert.StartsWith(reason, Assert.Single(outcome.Lines));
    }

    private ProcessStartInfo StartWithoutMpirun()
    {
        string[] words = MpiRun.Words($"{Small} --epochs 2 --out foreign --parallel data");
        return new(words[0], words[1..])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
    }

    [Fact]
    public void A_rank_that_is_killed_ends_the_run_and_the_last_checkpoint_is_intact()
    {
        using Process run = MpiRun.StartCommand(
            2, _folder, $"{Small} --epochs 10000 --out run-killed --parallel data --checkpoint-minutes 0");
        RequireEnd(run, "run-killed");
    }

    [Theory]
    [InlineData("--parallel data --lr 0.001", "--parallel data --lr 0.002", "rank 0 has learningRate 0.001, rank 1 has 0.002")]
    [InlineData("--parallel data", "--parallel blocks", "--parallel differ between processes: rank 0 has data, rank 1 has blocks")]
    [InlineData("--parallel 2x2", "--parallel 2x2", "--parallel 2x2 does not match the 2 processes that mpirun started. ")]
    [InlineData("--parallel blocks --rule BP", "--parallel blocks --rule BP", "Only where each block learns from its own loss alone")]
    [InlineData("--parallel data", "--parallel data --data nowhere", "rank 1: ")]
    [InlineData("--parallel data", "--parallel data --data other", "Give every process the same images.")]
    public void Ranks_that_do_not_fit_one_another_are_refused(string first, string second, string reason)
    {
        const string Plain = "train --dataset idx --model M/8/16 --batch-size 8 --epochs 1 --out run";
        using Process run = MpiRun.Start(["-n", "1", .. Words(first), ":", "-n", "1", .. Words(second)], _folder);
        MpiRun.Outcome outcome = MpiRun.Finish(run);

        Assert.Equal(2, outcome.Code);
        Assert.Contains(reason, Assert.Single(outcome.Lines));
        Assert.False(File.Exists(Path.Combine(_folder, "run/result.json")));

        static string[] Words(string options)
        {
            string data = options.Contains("--data ", StringComparison.Ordinal) ? "" : " --data data";
            return MpiRun.Words($"{Plain} {options}{data} --threads 1");
        }
    }

    // A fault that only one rank meets ends all ranks, and the message names that rank.
    [Fact]
    public void A_disk_that_is_full_in_the_middle_ends_all_ranks()
    {
        using Process run = MpiRun.StartCommand(2, _folder, $"{Small} --epochs 10000 --warmup-epochs 1 --out run-full --parallel data");
        string metrics = Path.Combine(_folder, "run-full/metrics.csv");
        Assert.True(SpinWait.SpinUntil(() => File.Exists(metrics), TimeSpan.FromMinutes(2)), "No run in two minutes.");
        string model = Path.Combine(_folder, "run-full/model.safetensors");
        File.Delete(model);
        Directory.CreateDirectory(model);
        MpiRun.Outcome outcome = MpiRun.Finish(run);

        Assert.NotEqual(0, outcome.Code);
        Assert.Contains("onward: rank 0: cannot write", Assert.Single(outcome.Lines));
    }

    [Fact]
    public void Ranks_with_addresses_of_their_own_train_together()
    {
        using NetworkSpaces spaces = new();
        MpiRun.Outcome alone = MpiRun.Command(1, _folder, $"{Small} --epochs 1 --out one");
        MpiRun.Outcome data = MpiRun.Finish(spaces.Start(_folder, $"{Small} --epochs 1 --out data-run --parallel data"));
        MpiRun.Outcome blocks = MpiRun.Finish(spaces.Start(_folder, $"{Small} --epochs 1 --out blocks-run --parallel blocks"));

        Assert.True(alone.Code == 0 && data.Code == 0 && blocks.Code == 0, alone.All + data.All + blocks.All);
        Assert.InRange(Distance("one", "data-run"), 0, 1e-6);
        Assert.Equal(0, Distance("one", "blocks-run"));
    }

    [Fact]
    public void A_rank_that_is_killed_at_another_address_ends_the_run()
    {
        using NetworkSpaces spaces = new();
        using Process run = spaces.Start(_folder, $"{Small} --epochs 10000 --out run-far --parallel blocks --checkpoint-minutes 0");
        RequireEnd(run, "run-far");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Kills the second rank once there is a checkpoint.
    private void RequireEnd(Process run, string name)
    {
        string checkpoints = Path.Combine(_folder, name, "checkpoints");
        Assert.True(
            SpinWait.SpinUntil(() => Directory.Exists(checkpoints) && Directory.GetFiles(checkpoints).Length > 1, TimeSpan.FromMinutes(2)),
            "No checkpoint in two minutes.");

        long killed = Stopwatch.GetTimestamp();
        MpiRun.Rank(1, name).Kill();
        MpiRun.Outcome outcome = MpiRun.Finish(run);

        Assert.NotEqual(0, outcome.Code);
        Assert.Contains("rank 1", outcome.Out + outcome.Error);
        Assert.InRange(Stopwatch.GetElapsedTime(killed).TotalSeconds, 0, 20);
        Assert.NotNull(new CheckpointFolder(checkpoints, 1).LoadNewest());
    }

    private double Distance(string run, string other)
    {
        float[] mine = Values(run), others = Values(other);
        double squares = mine.Zip(others, (a, b) => Math.Pow(a - b, 2)).Sum();
        return Math.Sqrt(squares / mine.Sum(a => (double)a * a));
    }

    private float[] Values(string run) => ModelFile.Load(Path.Combine(_folder, run, "model.safetensors")).Values.All.ToArray();

    private void Write(string name, uint first, int count)
    {
        (byte[] pixels, byte[] labels) = ProceduralDigits.Generate(5, first, count);
        File.WriteAllBytes(Path.Combine(_folder, "data", $"{name}-images-idx3-ubyte"), [.. Header(0x803, count, 28, 28), .. pixels]);
        File.WriteAllBytes(Path.Combine(_folder, "data", $"{name}-labels-idx1-ubyte"), [.. Header(0x801, count), .. labels]);
    }

    // Swaps the first two images, so that labels and statistics stay the same.
    private void CopyWithOtherPixels()
    {
        string data = Path.Combine(_folder, "data"), other = Path.Combine(_folder, "other");
        Directory.CreateDirectory(other);
        foreach (string file in Directory.GetFiles(data))
        {
            byte[] bytes = File.ReadAllBytes(file);
            byte[] swapped = Path.GetFileName(file) == "train-images-idx3-ubyte"
                ? [.. bytes[..16], .. bytes[(16 + 784)..(16 + (2 * 784))], .. bytes[16..(16 + 784)], .. bytes[(16 + (2 * 784))..]]
                : bytes;
            File.WriteAllBytes(Path.Combine(other, Path.GetFileName(file)), swapped);
        }
    }

    private static byte[] Header(params int[] words)
    {
        byte[] header = new byte[4 * words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 * i), words[i]);
        }

        return header;
    }
}
