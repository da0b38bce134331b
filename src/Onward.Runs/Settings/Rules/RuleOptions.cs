using System.Numerics;
using Onward.Losses;
using Onward.Rules;

namespace Onward.Runs;

/// <summary>The table of options that go together: those that a rule takes, and values that exclude one another.</summary>
internal static class RuleOptions
{
    // Options that are not here go with every rule. The last column is null where the option has its neutral value.
    private static readonly (
        string Option,
        Func<PaperRule, bool> IsTaken,
        Func<RuleSettings, LossScope, ObjectiveSettings, object?> Value)[] Table =
    [
        ("perturbation", rule => rule.HasPerturbation, (rule, _, _) => Unless(rule.Perturbation, RuleSettings.DefaultPerturbation)),
        ("passes", rule => rule.HasPerturbation, (rule, _, _) => Unless(rule.Passes, 1)),
        ("loss scope", rule => rule.HasPerturbation && rule.KeepsLossesInBlocks, (_, scope, _) => Unless(scope, LossScope.All)),
        ("layerwise", rule => rule.PerturbsActivities && rule.KeepsLossesInBlocks, (rule, _, _) => Unless(rule.Layerwise, false)),
        ("noise sites", rule => rule.PerturbsActivities, (rule, _, _) => Unless(rule.Sites, NoiseSites.All)),
        ("control variate", rule => rule.PerturbsActivities, (rule, _, _) => Unless(rule.ControlVariate, ControlVariate.None)),
        ("weight credit", rule => rule is { Source: GradientSource.PerturbedWeights, KeepsLossesInBlocks: true },
            (rule, _, _) => Unless(rule.WeightCredit, WeightCredit.Paper)),
        ("overlap", rule => !rule.HasPerturbation && rule.KeepsLossesInBlocks, (_, _, objective) => Unless(objective.Overlap, false)),
        ("recompute", rule => rule.SendsErrorsBetweenBlocks, (rule, _, _) => Unless(rule.Recompute, false)),
    ];

    /// <summary>True if a rule takes an option.</summary>
    /// <param name="option">The option in words.</param>
    /// <param name="rule">The paper's name of the rule.</param>
    internal static bool Fits(string option, string rule) =>
        PaperRules.Find(rule) is not PaperRule known || Table.All(row => row.Option != option || row.IsTaken(known));

    /// <summary>Refuses values that do not go together.</summary>
    internal static void Require(RuleSettings rule, LossScope scope, ObjectiveSettings objective, ModelSettings model)
    {
        if (ConflictOf(rule, scope, objective, model) is Func<HostWords, string> conflict)
        {
            throw new RunException(conflict);
        }
    }

    /// <summary>Names the values that do not go together; null where all do.</summary>
    internal static Func<HostWords, string>? ConflictOf(
        RuleSettings rule, LossScope scope, ObjectiveSettings objective, ModelSettings model)
    {
        PaperRule known = PaperRules.Get(rule.Rule);
        foreach ((string option, Func<PaperRule, bool> isTaken, Func<RuleSettings, LossScope, ObjectiveSettings, object?> value) in Table)
        {
            if (!isTaken(known) && value(rule, scope, objective) is not null)
            {
                return say => $"{say.Setting(option)} means nothing to {say.Setting("rule")} {known.Name}. "
                    + "Leave it out, or choose another rule.";
            }
        }

        (bool Excluded, Func<HostWords, string> Text)[] exclusions =
        [
            (rule.Perturbation == RuleSettings.Orthogonal && !BitOperations.IsPow2(rule.Passes), say =>
                $"{say.Setting("perturbation")} orthogonal takes a power of two of {say.Setting("passes")}; got {rule.Passes}."),
            (rule.ControlVariate != ControlVariate.None && rule.Sites != NoiseSites.Hidden, say =>
                $"{say.Setting("control variate")} learned-feedback predicts from the exact gradient of the layer before a loss, "
                + $"which {say.Setting("noise sites")} all perturbs. Take {say.Setting("noise sites")} hidden."),
            (objective.Overlap && model.Blocks == 1, say =>
                $"{say.Setting("overlap")} means nothing to {say.Setting("model")} {model.Preset}, whose one block has no next one. "
                + "Leave it out, or choose another model."),
            (!objective.IsContrastive && (objective.Temperature ?? objective.ReadoutLearningRate) is not null, say =>
                $"{say.Setting("temperature")} and {say.Setting("readout learning rate")} mean nothing to a supervised run. "
                + "Leave them out."),
        ];
        return exclusions.FirstOrDefault(exclusion => exclusion.Excluded).Text;
    }

    private static object? Unless<T>(T value, T neutral)
        where T : notnull => value.Equals(neutral) ? null : value;
}
