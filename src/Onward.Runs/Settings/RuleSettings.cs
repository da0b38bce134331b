using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Runs;

/// <summary>A rule and the threads it runs on.</summary>
internal sealed record RuleSettings(
    string Rule,
    string Perturbation,
    int Passes,
    bool Layerwise,
    NoiseSites Sites,
    ControlVariate ControlVariate,
    bool Recompute,
    int Threads)
{
    /// <summary>The name of the distribution that directions are drawn from by default.</summary>
    internal const string DefaultPerturbation = "gaussian";

    /// <summary>The name of orthogonal sets of directions.</summary>
    internal const string Orthogonal = "orthogonal";

    private static readonly Dictionary<string, NoiseDistribution> Perturbations = new()
    {
        [DefaultPerturbation] = NoiseDistribution.Gaussian,
        ["rademacher"] = NoiseDistribution.Rademacher,
        [Orthogonal] = NoiseDistribution.Orthogonal,
    };

    /// <summary>The control variates by their names on the command line.</summary>
    internal static IReadOnlyDictionary<string, ControlVariate> ControlVariates { get; } = new Dictionary<string, ControlVariate>
    {
        ["none"] = ControlVariate.None,
        ["learned-feedback"] = ControlVariate.LearnedFeedback,
    };

    /// <summary>The name of a control variate on the command line.</summary>
    internal static string NameOf(ControlVariate controlVariate) => ControlVariates.Single(pair => pair.Value == controlVariate).Key;

    /// <summary>
    /// True if a rule predicts the gradients of losses that train their own block: what brings layerwise noise and rates of its own.
    /// </summary>
    internal static bool PredictsWithinBlocks(string rule, ControlVariate controlVariate) =>
        controlVariate == ControlVariate.LearnedFeedback && PaperRules.KeepsLossesInBlocks(rule);

    /// <summary>What directions are drawn from, by name.</summary>
    internal static IReadOnlyCollection<string> PerturbationNames => Perturbations.Keys;

    /// <summary>A rule as it is when no option changes it.</summary>
    internal static RuleSettings Default(string rule, int threads) =>
        new(rule, DefaultPerturbation, 1, false, NoiseSites.All, ControlVariate.None, false, threads);

    /// <summary>Prepares steps of the rule on a model.</summary>
    internal LearningRule Create(LocalMixer model, WorkerTeam team, LossScope scope, ObjectiveSettings objective, ulong seed) =>
        PaperRules.Create(
            Rule,
            new RuleArguments(
                model,
                team,
                Perturbations[Perturbation],
                scope,
                Passes,
                Layerwise,
                Sites,
                ControlVariate,
                Recompute,
                objective.Overlap,
                seed,
                objective.Loss));
}
