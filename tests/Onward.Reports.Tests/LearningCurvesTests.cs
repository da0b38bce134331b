using ScottPlot;

namespace Onward.Reports.Tests;

/// <summary>Lines of a comparison: a hue for each source of gradients, a pattern for each reach of the losses.</summary>
public sealed class LearningCurvesTests
{
    [Fact]
    public void Every_rule_has_a_hue_by_its_gradients_and_a_pattern_by_its_losses()
    {
        string[] hues = [.. PaperRules.All.GroupBy(rule => rule.Source).Select(rules => Assert.Single(rules.Select(Hue).Distinct()))];
        Assert.Equal(5, hues.Distinct().Count());
        Assert.Equal(
            [LinePattern.Solid, LinePattern.Dashed, LinePattern.Dotted],
            new[] { "BP", "L-BP", "LG-BP" }.Select(name => LearningCurves.Pattern(PaperRules.Get(name))));
        Assert.Equal(LinePattern.Solid, LearningCurves.Pattern(PaperRules.Get(PaperRules.Default)));

        static string Hue(PaperRule rule) => LearningCurves.Hue(rule).ToHex();
    }
}
