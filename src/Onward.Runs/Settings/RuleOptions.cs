using System.Numerics;
using Onward.Rules;

namespace Onward.Runs;

/// <summary>The table of options that go together: those that a rule takes, and values that exclude one another.</summary>
internal static class RuleOptions
{
    // Options that are not here go with every rule.
    private static readonly Dictionary<string, Func<string, bool>> Takes = new()
    {
        ["--perturbation"] = PaperRules.HasPerturbation,
        ["--passes"] = PaperRules.HasPerturbation,
        ["--loss-scope"] = rule => PaperRules.HasPerturbation(rule) && PaperRules.KeepsLossesInBlocks(rule),
        ["--layerwise"] = rule => PaperRules.PerturbsActivities(rule) && PaperRules.KeepsLossesInBlocks(rule),
        ["--noise-sites"] = PaperRules.PerturbsActivities,
        ["--control-variate"] = PaperRules.PerturbsActivities,
        ["--overlap"] = rule => !PaperRules.HasPerturbation(rule) && PaperRules.KeepsLossesInBlocks(rule),
        ["--recompute"] = PaperRules.SendsErrorsBetweenBlocks,
    };

    /// <summary>True if a rule takes an option.</summary>
    internal static bool Fits(string option, string rule) => !Takes.TryGetValue(option, out Func<string, bool>? takes) || takes(rule);

    /// <summary>Refuses values that do not go together.</summary>
    internal static void Require(RuleSettings rule, ObjectiveSettings objective, ModelSettings model)
    {
        if (ConflictOf(rule, objective, model) is string conflict)
        {
            throw new RunException(conflict);
        }
    }

    /// <summary>Says which values do not go together; null where all do.</summary>
    internal static string? ConflictOf(RuleSettings rule, ObjectiveSettings objective, ModelSettings model)
    {
        (bool Excluded, string Text)[] table =
        [
            (rule.Perturbation == RuleSettings.Orthogonal && !BitOperations.IsPow2(rule.Passes),
                $"--perturbation orthogonal takes a power of two of --passes; got {rule.Passes}."),
            (rule.ControlVariate != ControlVariate.None && rule.Sites != NoiseSites.Hidden,
                "--control-variate learned-feedback predicts from the exact gradient of the layer before a loss, "
                + "which --noise-sites all perturbs. Take --noise-sites hidden."),
            (objective.Overlap && model.Blocks == 1,
                $"--overlap means nothing to --model {model.Preset}, whose one block has no next one. Leave it out, or choose another model."),
        ];
        return table.FirstOrDefault(row => row.Excluded).Text;
    }
}
