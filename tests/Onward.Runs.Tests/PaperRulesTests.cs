using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Threads;

namespace Onward.Runs.Tests;

/// <summary>The table of the paper's rules: what follows from a rule's place on its axes is true of the rule.</summary>
public sealed class PaperRulesTests
{
    [Fact]
    public void The_table_of_rules_knows_which_train_local_heads()
    {
        using WorkerTeam team = new(1);
        Network model = LocalMixer.Build(LocalMixerPresets.Get("S/1/1", 28, 1, 10));
        RuleArguments arguments = new()
        {
            Model = model,
            Team = team,
            Distribution = NoiseDistribution.Gaussian,
            Scope = LossScope.All,
            Passes = 1,
            Seed = 1,
            Loss = new TrainingLoss(),
        };

        Assert.All(PaperRules.All, rule => Assert.Equal(rule.TrainsHeads, rule.Create(arguments).TrainsHeads));
    }

    [Theory]
    [InlineData("BP", "BP", false, false, true)]
    [InlineData("L-FA", "L-BP", true, false, true)]
    [InlineData("LG-FA", "LG-BP", true, true, false)]
    [InlineData("DFA", "BP", false, false, false)]
    [InlineData("FG-A", "BP", false, false, false)]
    [InlineData("LG-FG-W", "LG-BP", true, true, false)]
    public void Properties_follow_from_the_axes(string name, string exact, bool isLocal, bool keepsLosses, bool sendsErrors)
    {
        PaperRule rule = PaperRules.Get(name);

        Assert.Equal(exact, PaperRules.Exact(rule).Name);
        Assert.Equal((isLocal, keepsLosses, sendsErrors), (rule.HasLocalLosses, rule.KeepsLossesInBlocks, rule.SendsErrorsBetweenBlocks));
    }

    [Fact]
    public void No_two_rules_stand_at_one_point() =>
        Assert.Equal(PaperRules.All.Count, PaperRules.All.Select(rule => (rule.Losses, rule.Source)).Distinct().Count());

    [Fact]
    public void Names_are_found_in_letters_of_either_case_and_others_are_not()
    {
        Assert.Equal("LG-FG-A", PaperRules.Find("lg-fg-a")?.Name);
        Assert.Null(PaperRules.Find("LG-FD-A"));
    }

    [Fact]
    public void Every_rule_has_a_row_and_a_learning_rate_for_every_preset()
    {
        Assert.All(
            PaperResults.Cells.GroupBy(cell => (cell.Table, cell.Column)),
            column => Assert.Equal(PaperRules.Names, column.Select(cell => cell.Row)));
        Assert.All(
            PaperRules.Names,
            rule => Assert.All(LocalMixerPresets.Names, model => Assert.True(PresetDefaults.For(model, rule).LearningRate > 0)));
    }
}
