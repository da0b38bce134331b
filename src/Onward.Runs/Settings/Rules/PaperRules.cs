using Onward.Losses;
using Onward.Rules;

namespace Onward.Runs;

/// <summary>The paper's learning rules (section 6, Table 3) by name.</summary>
internal static class PaperRules
{
    private static readonly PaperRule[] Table =
    [
        new("BP", RuleLosses.Readout, GradientSource.Backpropagation, s =>
            Backpropagation.ThroughWeights(BackwardScope.Readout, s.Recompute, s.Loss)),
        new("L-BP", RuleLosses.Local, GradientSource.Backpropagation, s =>
            Backpropagation.ThroughWeights(BackwardScope.LocalLosses, s.Recompute, s.Loss)),
        new("LG-BP", RuleLosses.LocalWithinBlock, GradientSource.Backpropagation, s =>
            Backpropagation.ThroughWeights(s.OwnLosses, loss: s.Loss)),
        new("FA", RuleLosses.Readout, GradientSource.RandomFeedback, s =>
            Backpropagation.ThroughRandomFeedback(BackwardScope.Readout, s.Seed, s.Recompute, s.Loss)),
        new("L-FA", RuleLosses.Local, GradientSource.RandomFeedback, s =>
            Backpropagation.ThroughRandomFeedback(BackwardScope.LocalLosses, s.Seed, s.Recompute, s.Loss)),
        new("LG-FA", RuleLosses.LocalWithinBlock, GradientSource.RandomFeedback, s =>
            Backpropagation.ThroughRandomFeedback(s.OwnLosses, s.Seed, loss: s.Loss)),
        new("DFA", RuleLosses.Readout, GradientSource.DirectFeedback, s =>
            new DirectFeedbackAlignment(s.Seed, s.Loss)),
        new("FG-W", RuleLosses.Readout, GradientSource.PerturbedWeights, s => PerturbWeights(s, LossScope.Global)),
        new("FG-A", RuleLosses.Readout, GradientSource.PerturbedActivities, s => PerturbActivities(s, LossScope.Global)),
        new("LG-FG-W", RuleLosses.LocalWithinBlock, GradientSource.PerturbedWeights, s => PerturbWeights(s, s.Scope)),
        new("LG-FG-A", RuleLosses.LocalWithinBlock, GradientSource.PerturbedActivities, s => PerturbActivities(s, s.Scope)),
    ];

    /// <summary>The rule that the project is about.</summary>
    internal static string Default => "LG-FG-A";

    /// <summary>The names, in the order of the paper's tables.</summary>
    internal static IReadOnlyList<string> Names { get; } = [.. Table.Select(rule => rule.Name)];

    /// <summary>All rules, in the order of the paper's tables.</summary>
    internal static IReadOnlyList<PaperRule> All => Table;

    /// <summary>The rule of a name that is known.</summary>
    /// <exception cref="ArgumentException">No rule has the name.</exception>
    internal static PaperRule Get(string name) => Find(name) ?? throw new ArgumentException($"no rule is named {name}.", nameof(name));

    /// <summary>The rule of a name, in letters of either case; null if none has it.</summary>
    internal static PaperRule? Find(string name) =>
        Array.Find(Table, rule => rule.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The rule that computes exactly what another one estimates: backprop of the same losses.</summary>
    internal static PaperRule Exact(PaperRule rule) =>
        Table.Single(other => other.Source == GradientSource.Backpropagation && other.Losses == rule.Losses);

    private static WeightForwardGradient PerturbWeights(RuleArguments s, LossScope scope) =>
        new(s.Distribution, scope, s.Passes, s.Seed, s.Loss, s.WeightCredit);

    private static ForwardGradient PerturbActivities(RuleArguments s, LossScope scope) =>
        new(s.Distribution, scope, s.Passes, s.Seed, s.Loss, s.Layerwise, s.Sites, s.ControlVariate);
}
