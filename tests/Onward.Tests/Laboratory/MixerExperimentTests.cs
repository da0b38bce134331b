using Onward.Laboratory;
using Onward.Losses;
using Onward.Models;
using Onward.Tests.Oracle;
using Onward.Threads;

namespace Onward.Tests.Laboratory;

/// <summary>On a small network, unbiased rules have no bias, and more local losses and more passes lower the variance.</summary>
public sealed class MixerExperimentTests
{
    private const int Draws = 1000;

    private static readonly Lazy<IReadOnlyList<MixerEstimate>> Measured = new(() => Run(Draws, threads: 2));

    [Fact]
    public void Every_rule_and_scope_is_measured()
    {
        Assert.Equal(
            [
                "FG-W Global", "LG-FG-W Block", "LG-FG-W Block, Group",
                "FG-A Global", "LG-FG-A Block", "LG-FG-A Block, Patch", "LG-FG-A Block, Group", "LG-FG-A All",
                "FG-A, hidden Global", "FG-A, feedback Global", "LG-FG-A, hidden All", "LG-FG-A, feedback All",
            ],
            Measured.Value.Select(estimate => $"{estimate.Rule} {estimate.Scope}").Distinct());
        Assert.All(
            Measured.Value,
            estimate => Assert.Equal(
                [
                    "blocks.0.channel.weight",
                    "blocks.0.group.weight",
                    "blocks.1.token.weight",
                    "blocks.1.channel.weight",
                    "blocks.1.group.weight",
                ],
                estimate.Layers.Select(layer => layer.Weight)));
    }

    [Fact]
    public void Rules_without_bias_show_none()
    {
        IEnumerable<MixerEstimate> unbiased = Measured.Value
            .Where(estimate => estimate is not { Rule: "LG-FG-W", Scope: LossScope.Block | LossScope.Group });
        foreach (MixerEstimate estimate in unbiased)
        {
            double ratio = estimate.Total.RelativeBias / estimate.Total.RelativeBiasError;
            Assert.True(
                ratio < Tolerance.MonteCarloError,
                $"{estimate.Rule} {estimate.Scope}, {estimate.Passes} passes: bias {ratio:0.00} standard errors");
        }
    }

    [Fact]
    public void Credit_by_group_biases_weights_before_a_full_width_normalisation_and_no_others()
    {
        LocalMixerOptions oneBlock = TinyNetwork.TwoBlocks(patchesPerSide: 1, channels: 6, groups: 2) with { Blocks = 1, Classes = 3 };
        TinyNetwork network = TinyNetwork.Create(oneBlock, examples: 4);

        MixerEstimate byGroup = Run(network, draws: 800, threads: 2, passes: 64)
            .Single(estimate => estimate is { Rule: "LG-FG-W", Scope: LossScope.Block | LossScope.Group });

        double[] ratios = [.. byGroup.Layers.Select(layer => layer.Quality.RelativeBias / layer.Quality.RelativeBiasError)];
        Assert.True(ratios[0] > 3 && ratios[1] < Tolerance.MonteCarloError, $"bias {ratios[0]:0.0} and {ratios[1]:0.0} standard errors");
    }

    [Fact]
    public void Finer_losses_and_more_passes_lower_the_variance()
    {
        Assert.True(Variance(LossScope.All) < Variance(LossScope.Block | LossScope.Patch));
        Assert.True(Variance(LossScope.All) < Variance(LossScope.Block | LossScope.Group));
        Assert.True(Variance(LossScope.Block | LossScope.Patch) < Variance(LossScope.Block));
        Assert.True(Variance(LossScope.Block | LossScope.Group) < Variance(LossScope.Block));
        Assert.True(Variance(LossScope.All, ", hidden") < Variance(LossScope.All));
        Assert.True(Variance(LossScope.All, ", feedback") < 0.05 * Variance(LossScope.All, ", hidden"));

        // Feedback is fitted to passes, and better to more.
        foreach (IGrouping<(string Rule, LossScope Scope), MixerEstimate> rule in Measured.Value
            .Where(estimate => !estimate.Rule.EndsWith("feedback", StringComparison.Ordinal))
            .GroupBy(estimate => (estimate.Rule, estimate.Scope)))
        {
            double once = rule.Single(estimate => estimate.Passes == 1).Total.Variance;
            double ratio = once / rule.Single(estimate => estimate.Passes == 4).Total.Variance;
            Assert.True(
                ratio is > 4 / (1 + Tolerance.SmallVarianceRatio) and < 4 * (1 + Tolerance.SmallVarianceRatio),
                $"{rule.Key}: {ratio:0.00} instead of 4");
        }

        static double Variance(LossScope scope, string kind = "") => Measured.Value
            .Single(estimate => estimate.Rule == "LG-FG-A" + kind && estimate.Scope == scope && estimate.Passes == 1)
            .Total.Variance;
    }

    [Fact]
    public void Results_are_the_same_bits_for_any_number_of_threads() =>
        Assert.Equal(
            Run(draws: 3, threads: 1).Select(estimate => estimate.Total), Run(draws: 3, threads: 2).Select(estimate => estimate.Total));

    [Fact]
    public void A_network_whose_heads_are_zero_is_refused()
    {
        TinyNetwork network = TinyNetwork.Create("all normalisations");
        network.Model.Initialize(seed: 1);

        Assert.Contains("train for a step", Assert.Throws<ArgumentException>(() => Run(network, draws: 2, threads: 1, passes: 1)).Message);
    }

    [Fact]
    public void Faults_are_told_at_once()
    {
        string message = Assert.Throws<ArgumentException>(
            () => new MixerExperimentOptions { Draws = 1, Seed = 1, Passes = [1, 0] }.Validate()).Message;

        Assert.All(["draws", "passes"], word => Assert.Contains(word, message));
    }

    private static IReadOnlyList<MixerEstimate> Run(int draws, int threads)
    {
        LocalMixerOptions options = TinyNetwork.TwoBlocks(patchesPerSide: 2, channels: 12, groups: 3) with { Classes = 3 };
        return Run(TinyNetwork.Create(options, examples: 4), draws, threads, 1, 4);
    }

    private static IReadOnlyList<MixerEstimate> Run(TinyNetwork network, int draws, int threads, params int[] passes)
    {
        using WorkerTeam team = new(threads);
        return new MixerExperiment(network.Model, team, network.FlatPixels, network.Labels)
            .Run(new MixerExperimentOptions { Draws = draws, Seed = 3, Passes = passes });
    }
}
