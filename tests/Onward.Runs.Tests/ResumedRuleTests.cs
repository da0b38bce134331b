using Onward.Data;
using Onward.Formats;
using Onward.Losses;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Runs.Tests;

/// <summary>A checkpoint is of one rule with all its settings: a run of another one does not go on from it.</summary>
public sealed class ResumedRuleTests : IDisposable
{
    // A pair of runs for each setting of a rule that changes results.
    private static readonly Dictionary<string, (RunPlan Begun, RunPlan Other)> Pairs = new()
    {
        ["rule"] = (Of("LG-FG-A"), Of("LG-FG-W")),
        ["losses of the rule"] = (Of("LG-BP"), Of("L-BP")),
        ["matrices of the rule"] = (Of("LG-BP"), Of("LG-FA")),
        ["passes"] = (Of("LG-FG-W"), Of("LG-FG-W", rule => rule with { Passes = 2 })),
        ["perturbation"] = (Of("FG-W"), Of("FG-W", rule => rule with { Perturbation = "rademacher" })),
        ["orthogonal perturbation"] =
            (Of("FG-A", rule => rule with { Passes = 2 }), Of("FG-A", rule => rule with { Passes = 2, Perturbation = "orthogonal" })),
        ["noise sites"] = (Of("FG-A"), Of("FG-A", rule => rule with { Sites = NoiseSites.Hidden })),
        ["control variate"] = (
            Of("FG-A", rule => rule with { Sites = NoiseSites.Hidden }),
            Of("FG-A", rule => rule with { Sites = NoiseSites.Hidden, ControlVariate = ControlVariate.LearnedFeedback })),
        ["weight credit"] = (Of("LG-FG-W"), Of("LG-FG-W", rule => rule with { WeightCredit = WeightCredit.Reach })),
        ["layerwise"] = (Of("LG-FG-A"), Of("LG-FG-A", rule => rule with { Layerwise = true })),
        ["overlap"] = (Of("LG-BP"), Of("LG-BP") with { Objective = ObjectiveSettings.Default with { Overlap = true } }),
        ["loss scope"] = (Of("LG-FG-A"), Of("LG-FG-A") with { LossScope = LossScope.Block }),
        ["temperature"] = (Contrastive(0.5), Contrastive(0.1)),
        ["seed"] = (Of("LG-FA"), WithSeed(Of("LG-FA"), 2)),
        ["seed of directions"] = (Of("LG-FG-A"), WithSeed(Of("LG-FG-A"), 2)),
    };

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Settings => [.. Pairs.Keys];

    [Theory]
    [MemberData(nameof(Settings))]
    public void Another_setting_of_the_rule_is_refused(string setting)
    {
        (RunPlan begun, RunPlan other) = Pairs[setting];
        Assert.Null(begun.Conflict);
        Assert.Null(other.Conflict);
        Assert.NotEqual(Describe(begun), Describe(other));
        Checkpoint checkpoint = Begin(begun);

        using TrainingRun same = Prepare(begun), differs = Prepare(other);
        same.Resume(checkpoint);

        Assert.Throws<ModelFileException>(() => differs.Resume(checkpoint));
    }

    [Fact]
    public void Settings_that_change_no_result_may_differ()
    {
        Checkpoint checkpoint = Begin(Of("L-FA"));

        using TrainingRun other = Prepare(Of("L-FA", rule => rule with { Recompute = true, Threads = 2 }));

        other.Resume(checkpoint);
    }

    // By its rule, options that it does not take; whatever the rule, values that exclude one another.
    [Theory]
    [InlineData("LG-FG-A", "recompute")]
    [InlineData("LG-FG-A", "overlap")]
    [InlineData("FG-A", "layerwise")]
    [InlineData("FG-A", "loss scope")]
    [InlineData("LG-FG-W", "noise sites")]
    [InlineData("LG-FG-A", "weight credit")]
    [InlineData("FG-W", "weight credit")]
    [InlineData("LG-FG-W", "control variate")]
    [InlineData("BP", "perturbation")]
    [InlineData("DFA", "passes")]
    [InlineData("LG-BP", "temperature")]
    [InlineData("LG-BP", "area min")]
    public void Options_that_do_not_go_together_are_named(string rule, string option)
    {
        RunPlan plan = Of(rule);
        RunPlan with = option switch
        {
            "recompute" => plan with { Rule = plan.Rule with { Recompute = true } },
            "overlap" => plan with { Objective = plan.Objective with { Overlap = true } },
            "layerwise" => plan with { Rule = plan.Rule with { Layerwise = true } },
            "loss scope" => plan with { LossScope = LossScope.Block },
            "noise sites" => plan with { Rule = plan.Rule with { Sites = NoiseSites.Hidden } },
            "control variate" =>
                plan with { Rule = plan.Rule with { ControlVariate = ControlVariate.LearnedFeedback } },
            "weight credit" => plan with { Rule = plan.Rule with { WeightCredit = WeightCredit.Reach } },
            "perturbation" => plan with { Rule = plan.Rule with { Perturbation = "rademacher" } },
            "passes" => plan with { Rule = plan.Rule with { Passes = 2 } },
            "temperature" => plan with { Objective = plan.Objective with { Temperature = 1 } },
            _ => plan with { Views = plan.Views with { AreaMin = 0.5 } },
        };
        Assert.Null(plan.Conflict);

        Func<HostWords, string>? conflict = with.Conflict;

        Assert.StartsWith(option, conflict?.Invoke(HostWords.OfProgram), StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static RunPlan Of(string rule, Func<RuleSettings, RuleSettings>? change = null)
    {
        RuleSettings settings = RuleSettings.Default(rule, threads: 1);
        return new RunPlan(
            ModelSettings.Default("M/8/16"),
            change?.Invoke(settings) ?? settings,
            LossScope.All,
            ObjectiveSettings.Default,
            new AugmentationSettings("none", null, null),
            new TrainingOptions { Epochs = 1, LearningRate = 0.1, BatchSize = 4, Seed = 1 });
    }

    private static RunPlan Contrastive(double temperature) => Of("LG-BP") with
    {
        Objective = ObjectiveSettings.Default with { Projection = 4, Temperature = temperature, ReadoutLearningRate = 0.01 },
        Views = new AugmentationSettings(ObjectiveSettings.Contrastive, null, null),
    };

    private static RunPlan WithSeed(RunPlan plan, ulong seed) => plan with { Options = plan.Options with { Seed = seed } };

    private static TrainingRun Prepare(RunPlan plan, bool isCancelled = false) =>
        new(plan, Images(), new RunHost { Interruption = new CancellationToken(isCancelled) });

    // A checkpoint holds the options of training beside the rule's description, which names the seed by itself.
    private static string Describe(RunPlan plan)
    {
        using WorkerTeam team = new(1);
        return plan.Rule.CreateStep(plan.CreateModel(Images()), team, plan.LossScope, plan.Objective, plan.Options.Seed).Description;
    }

    private static TrainingData Images()
    {
        ImageDataset digits = DigitsSource.Load();
        ImageSet few = digits.Training.Take(8);
        return new TrainingData(Datasets.Digits, digits with { Training = few, Test = few }, null, 0);
    }

    // A run is kept before its first step.
    private Checkpoint Begin(RunPlan plan)
    {
        string path = _folder["run"];
        using TrainingRun run = Prepare(plan, isCancelled: true);
        using RunFolder folder = RunFolder.Create(path, run.Configuration, run.Blocks, keep: 1);
        Assert.ThrowsAny<OperationCanceledException>(() => run.Train(folder, new QuietDisplay()));
        return RunFolder.ReadCheckpoint(path, fault => Assert.Fail(fault))!;
    }
}
