using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Runs.Tests;

/// <summary>The table of the paper's rules: what follows from a rule's place on its axes is true of the rule.</summary>
public sealed class PaperRulesTests
{
    [Fact]
    public void The_table_of_rules_knows_which_train_local_heads()
    {
        RuleArguments arguments = new()
        {
            Distribution = NoiseDistribution.Gaussian,
            Scope = LossScope.All,
            Passes = 1,
            Seed = 1,
            Loss = new TrainingLoss(),
        };

        Assert.All(PaperRules.All, rule => Assert.Equal(rule.TrainsHeads, rule.Create(arguments).TrainsHeads));
    }

    // No LocalMixer is such a network, but the message must not depend on that.
    [Fact]
    public void A_network_that_a_rule_cannot_train_is_refused_in_one_sentence()
    {
        Network network = new(
            new(8, 8, 2), [new(new Linear(2, 2), new GridPooling(PatchPooling.Average, 8, 2, 2), new Linear(2, 2))], classes: 3);
        RuleSettings settings = RuleSettings.Default("LG-FG-A", threads: 1) with
        {
            Sites = NoiseSites.Hidden,
            ControlVariate = ControlVariate.LearnedFeedback,
        };
        using WorkerTeam team = new(1);

        RunException fault = Assert.Throws<RunException>(
            () => settings.CreateStep(network, team, LossScope.All, ObjectiveSettings.Default, seed: 1));

        Assert.Equal(
            "LG-FG-A cannot train this network: Learned feedback predicts gradients through chains of affine layers, but block 0 has a "
            + "layer without parameters between or behind its affine layers. Divide the block, or use no control variate.",
            fault.Message);
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
