using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Runs;

/// <summary>The paper's names of the learning rules (section 6, Table 3), each a point on the library's axes.</summary>
internal static class PaperRules
{
    private static readonly Dictionary<string, Func<RuleArguments, LearningRule>> Table = new(StringComparer.OrdinalIgnoreCase)
    {
        ["BP"] = s => Backpropagation.ThroughWeights(s.Model, s.Team, BackwardScope.Readout, s.Recompute, s.Loss),
        ["L-BP"] = s => Backpropagation.ThroughWeights(s.Model, s.Team, BackwardScope.LocalLosses, s.Recompute, s.Loss),
        ["LG-BP"] = s => Backpropagation.ThroughWeights(s.Model, s.Team, s.OwnLosses, loss: s.Loss),
        ["FA"] = s => Backpropagation.ThroughRandomFeedback(s.Model, s.Team, BackwardScope.Readout, s.Seed, s.Recompute, s.Loss),
        ["L-FA"] = s => Backpropagation.ThroughRandomFeedback(s.Model, s.Team, BackwardScope.LocalLosses, s.Seed, s.Recompute, s.Loss),
        ["LG-FA"] = s => Backpropagation.ThroughRandomFeedback(s.Model, s.Team, s.OwnLosses, s.Seed, loss: s.Loss),
        ["DFA"] = s => new DirectFeedbackAlignment(s.Model, s.Team, s.Seed, s.Loss),
        ["FG-W"] = s => new WeightForwardGradient(s.Model, s.Team, s.Distribution, LossScope.Global, s.Passes, s.Seed, s.Loss),
        ["FG-A"] = s => new ForwardGradient(
            s.Model, s.Team, s.Distribution, LossScope.Global, s.Passes, s.Seed, s.Loss, sites: s.Sites, controlVariate: s.ControlVariate),
        ["LG-FG-W"] = s => new WeightForwardGradient(s.Model, s.Team, s.Distribution, s.Scope, s.Passes, s.Seed, s.Loss),
        ["LG-FG-A"] = s => new ForwardGradient(
            s.Model, s.Team, s.Distribution, s.Scope, s.Passes, s.Seed, s.Loss, s.Layerwise, s.Sites, s.ControlVariate),
    };

    /// <summary>The rule that the project is about.</summary>
    internal static string Default => "LG-FG-A";

    /// <summary>The names, in the order of the paper's tables.</summary>
    internal static IReadOnlyList<string> Names { get; } = [.. Table.Keys];

    /// <summary>Whether a rule reads local losses at all.</summary>
    internal static bool HasLocalLosses(string name) => name.StartsWith('L');

    /// <summary>True if a rule trains the local heads, whether or not it trains the blocks by their losses.</summary>
    internal static bool TrainsHeads(string name) => name is not ("BP" or "FA" or "DFA");

    /// <summary>Whether each local loss of a rule trains its own block alone.</summary>
    internal static bool KeepsLossesInBlocks(string name) => name.StartsWith("LG-", StringComparison.Ordinal);

    /// <summary>Whether a rule draws directions, and so has a perturbation and passes to choose.</summary>
    internal static bool HasPerturbation(string name) => name.Contains("FG-", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a rule sends errors back from block to block, and so must keep or recompute what it passes on the way.</summary>
    internal static bool SendsErrorsBetweenBlocks(string name) => name is "BP" or "L-BP" or "FA" or "L-FA";

    /// <summary>Whether a rule draws directions for activities.</summary>
    internal static bool PerturbsActivities(string name) =>
        HasPerturbation(name) && name.EndsWith("-A", StringComparison.OrdinalIgnoreCase);

    /// <summary>The rule that computes exactly what a rule estimates, or takes the place of: backprop of the same losses.</summary>
    internal static string Exact(string name) => KeepsLossesInBlocks(name) ? "LG-BP" : HasLocalLosses(name) ? "L-BP" : "BP";

    /// <summary>Prepares steps of a rule.</summary>
    internal static LearningRule Create(string name, RuleArguments settings) => Table[name](settings);
}

/// <summary>Arguments for creating a learning rule. Each rule reads only the ones it needs.</summary>
internal sealed record RuleArguments(
    LocalMixer Model,
    WorkerTeam Team,
    NoiseDistribution Distribution,
    LossScope Scope,
    int Passes,
    bool Layerwise,
    NoiseSites Sites,
    ControlVariate ControlVariate,
    bool Recompute,
    bool Overlap,
    ulong Seed,
    TrainingLoss Loss)
{
    /// <summary>The reach of local losses that train their own block.</summary>
    internal BackwardScope OwnLosses => Overlap ? BackwardScope.LocalLossesOverlapping : BackwardScope.LocalLossesWithinBlock;
}
