using Onward.Learning;
using Onward.Models;
using Onward.Threads;

namespace Onward.Cli;

/// <summary>The paper's names of the learning rules (section 6, Table 3), each a point on the library's axes.</summary>
internal static class PaperRules
{
    private static readonly Dictionary<string, Func<RuleSettings, LearningRule>> Table = new(StringComparer.OrdinalIgnoreCase)
    {
        ["BP"] = s => Backpropagation.ThroughWeights(s.Model, s.Team, BackwardScope.Readout),
        ["L-BP"] = s => Backpropagation.ThroughWeights(s.Model, s.Team, BackwardScope.LocalLosses),
        ["LG-BP"] = s => Backpropagation.ThroughWeights(s.Model, s.Team, BackwardScope.LocalLossesWithinBlock),
        ["FA"] = s => Backpropagation.ThroughRandomFeedback(s.Model, s.Team, BackwardScope.Readout, s.Seed),
        ["L-FA"] = s => Backpropagation.ThroughRandomFeedback(s.Model, s.Team, BackwardScope.LocalLosses, s.Seed),
        ["LG-FA"] = s => Backpropagation.ThroughRandomFeedback(s.Model, s.Team, BackwardScope.LocalLossesWithinBlock, s.Seed),
        ["DFA"] = s => new DirectFeedbackAlignment(s.Model, s.Team, s.Seed),
        ["FG-W"] = s => new WeightForwardGradient(s.Model, s.Team, s.Distribution, LossScope.Global, s.Passes, s.Seed),
        ["FG-A"] = s => new ForwardGradient(s.Model, s.Team, s.Distribution, LossScope.Global, s.Passes, s.Seed),
        ["LG-FG-W"] = s => new WeightForwardGradient(s.Model, s.Team, s.Distribution, s.Scope, s.Passes, s.Seed),
        ["LG-FG-A"] = s => new ForwardGradient(s.Model, s.Team, s.Distribution, s.Scope, s.Passes, s.Seed),
    };

    /// <summary>The rule that the project is about.</summary>
    internal static string Default => "LG-FG-A";

    /// <summary>All names, in the order of the paper's tables.</summary>
    internal static IReadOnlyList<string> Names { get; } = [.. Table.Keys];

    /// <summary>Whether a rule reads losses by block, patch and group, and so has a loss scope to choose.</summary>
    internal static bool HasLossScope(string name) => name.StartsWith("LG-FG", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a rule draws directions, and so has a perturbation and passes to choose.</summary>
    internal static bool HasPerturbation(string name) => name.Contains("FG-", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a rule draws directions for activities.</summary>
    internal static bool PerturbsActivities(string name) => name.EndsWith("FG-A", StringComparison.OrdinalIgnoreCase);

    /// <summary>Prepares steps of a rule.</summary>
    internal static LearningRule Create(string name, RuleSettings settings) => Table[name](settings);
}

/// <summary>What a rule is made from; each takes what concerns it.</summary>
internal sealed record RuleSettings(LocalMixer Model, WorkerTeam Team, NoiseDistribution Distribution, LossScope Scope, int Passes, ulong Seed);
