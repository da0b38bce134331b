using Onward.Training;

namespace Onward.Runs.Tests;

/// <summary>Runs that programs keep.</summary>
public sealed class KeptRunTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    private readonly TrainingOptions _training = new() { Epochs = 1, LearningRate = 0.03, Seed = 1 };

    [Fact]
    public void Folder_of_another_rule_is_refused()
    {
        using (KeptRun.Open(_folder, "digits", "S/1/1", "LG-FG-A", _training, cancellation: _cancellation))
        {
        }

        RunException fault = Assert.Throws<RunException>(
            () => KeptRun.Open(_folder, "digits", "S/1/1", "BP", _training, cancellation: _cancellation));

        Assert.Contains("was begun with rule \"LG-FG-A\", but now rule is \"BP\"", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_to_the_same_end()
    {
        TrainingOptions training = _training with { Epochs = 2, MaximumSteps = 2 };
        byte[] whole = Train("whole", training, stopsAfter: null), stopped = Train("stopped", training, stopsAfter: 1);
        Assert.NotEqual(whole, stopped);

        using KeptRun again = Open("stopped", training);
        again.Train();

        Assert.Equal(1, again.EpochsDone);
        Assert.Empty(again.Notices);
        Assert.Equal(whole, File.ReadAllBytes(again.ModelPath));
    }

    [Fact]
    public void A_run_that_has_ended_is_not_trained_again()
    {
        byte[] model = Train("run", _training with { MaximumSteps = 1 }, stopsAfter: null);

        using KeptRun again = Open("run", _training with { MaximumSteps = 1 });
        RunResult result = again.Train(epoch => Assert.Fail("an epoch was trained"));

        Assert.Equal((1, 1), (again.EpochsDone, result.Epochs));
        Assert.Equal(model, File.ReadAllBytes(again.ModelPath));
    }

    // As the command line tells it, so that a program's user knows of it too.
    [Fact]
    public void Another_version_other_vectors_and_a_damaged_checkpoint_are_told()
    {
        TrainingOptions training = _training with { Epochs = 3, MaximumSteps = 1 };
        Train("run", training, stopsAfter: 2);
        string configuration = At("run/config.json");
        File.WriteAllText(configuration, File.ReadAllText(configuration).Replace(
            $"\"version\": \"{RunEnvironment.Version}\"", "\"version\": \"0.0.9\"", StringComparison.Ordinal));
        string newest = Directory.GetFiles(At("run/checkpoints")).Max(StringComparer.Ordinal)!;
        File.AppendAllText(newest, "x");

        using KeptRun again = Open("run", training);

        Assert.Equal(1, again.EpochsDone);
        Assert.Collection(
            again.Notices,
            notice => Assert.Contains("earlier checkpoint, because the newest is not intact: ", notice, StringComparison.Ordinal),
            notice => Assert.Contains("begun with version 0.0.9 of this program", notice, StringComparison.Ordinal));
    }

    [Fact]
    public void A_configuration_of_options_that_do_not_go_together_is_refused_with_the_reason()
    {
        using (Open("run", _training))
        {
        }

        string configuration = At("run/config.json");
        File.WriteAllText(configuration, File.ReadAllText(configuration).Replace(
            "\"recompute\": false", "\"recompute\": true", StringComparison.Ordinal));

        RunException fault = Assert.Throws<RunException>(() => Open("run", _training));

        Assert.Equal(
            $"{configuration}: damaged: recompute means nothing to rule LG-FG-A. Leave it out, or choose another rule.", fault.Message);
    }

    [Theory]
    [InlineData(100_000, "batch size 100000 is more than the ")]
    [InlineData(16, "is not empty. Name a folder that is empty or does not exist.")]
    public void Refusals_name_no_option_of_the_command_line(int batchSize, string expected)
    {
        Directory.CreateDirectory(At("run"));
        File.WriteAllText(At("run/mine"), "");

        RunException fault = Assert.Throws<RunException>(() => Open("run", _training with { BatchSize = batchSize }));

        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("--", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_rule_is_refused() =>
        Assert.Throws<RunException>(() => KeptRun.Open(_folder, "digits", "S/1/1", "LG-XX", _training, cancellation: _cancellation));

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private string At(string name) => Path.Combine(_folder, name);

    private KeptRun Open(string name, TrainingOptions training, CancellationToken? cancellation = null) =>
        KeptRun.Open(At(name), "digits", "S/1/1", "LG-FG-A", training, threads: 1, cancellation: cancellation ?? _cancellation);

    // The model that the run leaves.
    private byte[] Train(string name, TrainingOptions training, int? stopsAfter)
    {
        using CancellationTokenSource stop = new();
        using KeptRun run = Open(name, training, stop.Token);
        void Stop(EpochMetrics epoch)
        {
            if (epoch.Epoch == stopsAfter)
            {
                stop.Cancel();
            }
        }

        if (stopsAfter is null)
        {
            run.Train();
        }
        else
        {
            Assert.ThrowsAny<OperationCanceledException>(() => run.Train(Stop));
        }

        return File.ReadAllBytes(run.ModelPath);
    }
}
