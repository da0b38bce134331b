using Onward.Formats;
using Onward.Tests.Data;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class CheckpointFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Checkpoint _checkpoint;

    public CheckpointFolderTests()
    {
        Checkpoint? kept = null;
        _ = new TrainedRun("supervised sgd", stopAfterSteps: 0, keep: checkpoint => kept = checkpoint);
        _checkpoint = kept!;
    }

    private string[] Names => [.. Directory.GetFiles(_folder["run"]).Select(Path.GetFileNameWithoutExtension).Order()!];

    [Fact]
    public void The_last_ones_and_the_first_of_the_best_are_kept()
    {
        CheckpointFolder folder = new(_folder["run"], keep: 2);
        foreach (double error in new[] { 9, double.NaN, 4, 4, 5, 6 })
        {
            _checkpoint.State.Step = 3;
            folder.Save(_checkpoint);
            EndEpoch(error);
            folder.Save(_checkpoint);
        }

        _checkpoint.State.Step = 2;
        folder.Save(_checkpoint);

        Assert.Equal(["epoch-0003-step-000000", "epoch-0006-step-000000", "epoch-0006-step-000002"], Names);
        Assert.Equal((6, 2), folder.LoadNewest()!.State.Position);
    }

    [Fact]
    public void Behind_the_damaged_ones_stands_the_newest_intact_one_which_takes_their_place()
    {
        CheckpointFolder folder = new(_folder["run"], keep: 3);
        for (int i = 0; i < 3; i++)
        {
            folder.Save(_checkpoint);
            _checkpoint.State.Step++;
        }

        File.WriteAllText(_folder["run/epoch-0000-step-000002.safetensors"], "torn");
        File.WriteAllText(_folder["run/epoch-0007-step-000000.safetensors"], "");
        List<string> faults = [];

        Checkpoint? read = folder.LoadNewest(faults.Add);
        folder.Save(read!);

        Assert.Equal(1, read!.Step);
        Assert.Equal(
            ["epoch-0007-step-000000.safetensors", "epoch-0000-step-000002.safetensors"],
            faults.Select(fault => Path.GetFileName(fault.Split(':')[0])));
        Assert.Equal(["epoch-0000-step-000000", "epoch-0000-step-000001"], Names);
    }

    [Fact]
    public void None_intact_is_a_fault_and_none_at_all_is_not()
    {
        CheckpointFolder folder = new(_folder["run"], keep: 1);
        Assert.Null(folder.LoadNewest());

        folder.Save(_checkpoint);
        File.WriteAllText(_folder["run/epoch-0000-step-000000.safetensors"], "torn");

        Assert.StartsWith(
            $"{_folder["run"]}: none of 1 checkpoint is intact; the newest: ",
            Assert.Throws<ModelFileException>(() => folder.LoadNewest()).Message);
    }

    [Fact]
    public void Before_a_newer_version_no_older_checkpoint_is_taken()
    {
        CheckpointFolder folder = new(_folder["run"], keep: 2);
        folder.Save(_checkpoint);
        _checkpoint.Save(_folder["run/epoch-0001-step-000000.safetensors"], Checkpoint.FileVersion + 1);

        Assert.True(Assert.Throws<ModelFileException>(() => folder.LoadNewest()).IsOfNewerVersion);
    }

    [Fact]
    public void Other_files_are_let_alone()
    {
        CheckpointFolder folder = new(_folder["run"], keep: 1);
        Directory.CreateDirectory(_folder["run"]);
        File.WriteAllText(_folder["run/mine.safetensors"], "");

        folder.Save(_checkpoint);

        Assert.Equal(["epoch-0000-step-000000", "mine"], Names);
    }

    public void Dispose() => _folder.Dispose();

    private void EndEpoch(double error) =>
        _checkpoint.State.End(new EpochMetrics(_checkpoint.Epochs.Count + 1, 0.1, [1, 1], 1, 1, 1, error, 1, TimeSpan.Zero));
}
