using Onward.Engine;
using Onward.Formats;
using Onward.Kernels;
using Onward.Losses;
using Onward.Rules;
using Onward.Tests.Data;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class ResumeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    // Before the first step, after each, and after each epoch; without labels, after each step of the readout too.
    [Theory]
    [InlineData("supervised sgd", 1 + (TrainedRun.Epochs * (TrainedRun.Steps + 1)))]
    [InlineData("supervised lars", 1 + (TrainedRun.Epochs * (TrainedRun.Steps + 1)))]
    [InlineData("supervised adamw", 1 + (TrainedRun.Epochs * (TrainedRun.Steps + 1)))]
    [InlineData("supervised muon", 1 + (TrainedRun.Epochs * (TrainedRun.Steps + 1)))]
    [InlineData("supervised adamw clipped", 1 + (TrainedRun.Epochs * (TrainedRun.Steps + 1)))]
    [InlineData("supervised watched", 1 + (TrainedRun.Epochs * (TrainedRun.Steps + 1)))]
    [InlineData("supervised feedback", 1 + (TrainedRun.Epochs * (TrainedRun.Steps + 1)))]
    [InlineData("contrastive feedback", 1 + (TrainedRun.Epochs * ((2 * TrainedRun.Steps) + 1)))]
    [InlineData("contrastive watched", 1 + (TrainedRun.Epochs * ((2 * TrainedRun.Steps) + 1)))]
    [InlineData("contrastive adamw", 1 + (TrainedRun.Epochs * ((2 * TrainedRun.Steps) + 1)))]
    [InlineData("contrastive muon", 1 + (TrainedRun.Epochs * ((2 * TrainedRun.Steps) + 1)))]
    [InlineData("contrastive sgd", 1 + (TrainedRun.Epochs * ((2 * TrainedRun.Steps) + 1)))]
    [InlineData("contrastive lars", 1 + (TrainedRun.Epochs * ((2 * TrainedRun.Steps) + 1)))]
    public void From_any_step_a_run_comes_to_what_it_would_have_come_to(string kind, int checkpoints)
    {
        List<string> files = [];
        TrainedRun whole = new(kind, keep: checkpoint =>
        {
            files.Add(_folder[$"{files.Count}"]);
            checkpoint.Save(files[^1]);
        });

        Assert.Equal(checkpoints, files.Count);
        for (int i = 0; i < files.Count; i++)
        {
            new TrainedRun(kind, Checkpoint.Load(files[i]), threads: 1 + (i % 3)).RequireSame(whole);
        }
    }

    [Theory]
    [InlineData("supervised sgd", 3)]
    [InlineData("contrastive lars", 7)]
    public void A_run_that_is_stopped_again_and_again_is_the_same(string kind, int lives)
    {
        TrainedRun whole = new(kind), run = new(kind, keep: Save, stopAfterSteps: 2);
        for (int life = 1; run.Result is null; life++)
        {
            Assert.InRange(life, 1, 40);
            run = new TrainedRun(kind, Checkpoint.Load(_folder["run"]), Save, stopAfterSteps: life >= lives ? int.MaxValue : 2);
        }

        run.RequireSame(whole);

        void Save(Checkpoint checkpoint) => checkpoint.Save(_folder["run"]);
    }

    [Fact]
    public void Within_an_epoch_checkpoints_keep_to_their_interval()
    {
        List<(int, int)> kept = [];

        _ = new TrainedRun(
            "supervised sgd",
            keep: checkpoint => kept.Add((checkpoint.Epochs.Count, checkpoint.Step)),
            change: options => options with { CheckpointInterval = TimeSpan.FromHours(1) });

        Assert.Equal([(0, 0), (1, 0), (2, 0), (3, 0)], kept);
    }

    [Fact]
    public void An_ended_run_has_nothing_left_to_do()
    {
        TrainedRun whole = new("supervised sgd", keep: checkpoint => checkpoint.Save(_folder["run"]));
        int kept = 0;

        TrainedRun again = new("supervised sgd", Checkpoint.Load(_folder["run"]), keep: _ => kept++);

        again.RequireSame(whole);
        Assert.Equal(0, kept);
    }

    [Fact]
    public void Time_goes_on_where_it_was()
    {
        TrainedRun first = new("supervised sgd", keep: checkpoint => checkpoint.Save(_folder["run"]), stopAfterSteps: 6);
        Checkpoint checkpoint = Checkpoint.Load(_folder["run"]);
        checkpoint.State.Elapsed = TimeSpan.FromHours(2);

        TrainedRun second = new("supervised sgd", checkpoint);

        Assert.InRange(second.Result!.Elapsed, TimeSpan.FromHours(2), TimeSpan.FromHours(2.1));
        Assert.InRange(second.Metrics[^1].Elapsed, TimeSpan.FromHours(2), second.Result.Elapsed);
        Assert.InRange(first.Metrics[0].Elapsed, TimeSpan.Zero, TimeSpan.FromHours(0.1));
    }

    [Fact]
    public void Another_run_is_refused()
    {
        _ = new TrainedRun("supervised sgd", keep: checkpoint => checkpoint.Save(_folder["run"]), stopAfterSteps: 6);
        Checkpoint checkpoint = Checkpoint.Load(_folder["run"]);

        Refuse(
            "its training has seed 7, the run has 8.",
            () => new TrainedRun("supervised sgd", checkpoint, change: options => options with { Seed = 8 }));
        Refuse("its training has optimizer \"Sgd\", the run has \"Lars\".", () => new TrainedRun("supervised lars", checkpoint));
        Refuse("its model has projection 0, the run has 6.", () => new TrainedRun("contrastive sgd", checkpoint));
        Refuse("the run has other images", () => new TrainedRun("supervised sgd", checkpoint, data: TrainedRun.Digits(seed: 6)));
        _ = new TrainedRun("supervised sgd", checkpoint, change: options => options with { CheckpointInterval = TimeSpan.FromSeconds(1) });

        void Refuse(string expected, Func<TrainedRun> run)
        {
            string message = Assert.Throws<ModelFileException>(run).Message;
            Assert.StartsWith($"{_folder["run"]}: of another run: {expected}", message);
        }
    }

    public static TheoryData<string, Func<LearningRule>> OtherRules => new()
    {
        {
            "Gaussian noise on activities, 2 passes, loss scope All, derivatives by Tangent, seed 7",
            () => TrainedRun.Rule(passes: 2)
        },
        {
            "Rademacher noise on activities, 1 pass, loss scope All, derivatives by Tangent, seed 7",
            () => TrainedRun.Rule(noise: NoiseDistribution.Rademacher)
        },
        {
            "Orthogonal noise on activities, 1 pass, loss scope All, derivatives by Tangent, seed 7",
            () => TrainedRun.Rule(noise: NoiseDistribution.Orthogonal)
        },
        {
            "Gaussian noise on activities, 1 pass, loss scope All, derivatives by Tangent, seed 8",
            () => TrainedRun.Rule(seed: 8)
        },
        {
            "Gaussian noise on activities, layer by layer, 1 pass, loss scope All, derivatives by Tangent, seed 7",
            () => TrainedRun.Rule(layerwise: true)
        },
        {
            "Gaussian noise on hidden activities, 1 pass, loss scope All, derivatives by Tangent, seed 7",
            () => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 7, sites: NoiseSites.Hidden)
        },
        {
            "Gaussian noise on hidden activities, 1 pass, loss scope All, derivatives by Tangent, seed 7, learned feedback",
            () => TrainedRun.FeedbackRule(layerwise: false)
        },
        {
            "Backpropagation, of LocalLossesWithinBlock, through the weights, overlapping blocks",
            () => Backpropagation.ThroughWeights(BackwardScope.LocalLossesOverlapping)
        },
        {
            "loss scope Block, Patch, derivatives by Tangent, seed 7",
            () => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.Block | LossScope.Patch, 1, seed: 7)
        },
        {
            "WeightForwardGradient, Gaussian noise on weights, 1 pass, loss scope All, derivatives by Tangent, seed 7",
            () => new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 7)
        },
        {
            "Backpropagation, of LocalLossesWithinBlock, through the weights",
            () => Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock)
        },
        {
            "Backpropagation, of Readout, through random matrices of seed 7",
            () => Backpropagation.ThroughRandomFeedback(BackwardScope.Readout, 7)
        },
        { "DirectFeedbackAlignment, through random matrices of seed 7", () => new DirectFeedbackAlignment(7) },
    };

    [Theory]
    [MemberData(nameof(OtherRules))]
    public void Another_learning_rule_is_refused_and_both_are_named(string named, Func<LearningRule> rule)
    {
        const string Begun = "ForwardGradient, Gaussian noise on activities, 1 pass, loss scope All, derivatives by Tangent, seed 7";
        _ = new TrainedRun("supervised sgd", keep: checkpoint => checkpoint.Save(_folder["run"]), stopAfterSteps: 6);

        string message = Assert.Throws<ModelFileException>(
            () => new TrainedRun("supervised sgd", Checkpoint.Load(_folder["run"]), rule: rule)).Message;

        Assert.StartsWith($"{_folder["run"]}: of another run: its learning rule is {Begun}; the run has ", message);
        Assert.EndsWith($"{named}. Use the rule that the run was started with.", message);
    }

    private static Checkpoint WithoutRule(Checkpoint kept) =>
        new(kept.Model, kept.Velocity, kept.Average, kept.Feedback, kept.Options, kept.Images, kept.State);

    // Version 1 of the file contained neither the rule nor the width of vectors.
    [Fact]
    public void A_checkpoint_of_the_first_version_goes_on()
    {
        TrainedRun whole = new("supervised sgd");
        void Keep(Checkpoint checkpoint) => WithoutRule(checkpoint).Save(_folder["run"], version: 1);
        _ = new TrainedRun("supervised sgd", stopAfterSteps: 6, keep: Keep);
        Checkpoint read = Checkpoint.Load(_folder["run"]);

        Assert.Null(read.Rule);
        new TrainedRun("supervised sgd", read).RequireSame(whole);
    }

    [Fact]
    public void A_checkpoint_names_its_rule_and_its_vectors()
    {
        _ = new TrainedRun("supervised sgd", keep: checkpoint => checkpoint.Save(_folder["run"]), stopAfterSteps: 0);
        Checkpoint read = Checkpoint.Load(_folder["run"]);

        Assert.StartsWith("ForwardGradient, Gaussian noise", read.Rule);
    }

    public void Dispose() => _folder.Dispose();
}
