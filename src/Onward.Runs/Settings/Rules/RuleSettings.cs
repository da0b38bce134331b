using Onward.Communication;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Runs;

/// <summary>A rule and the threads it runs on.</summary>
/// <param name="Rule">The paper's name of the rule.</param>
/// <param name="Perturbation">The name of the distribution that directions are drawn from.</param>
/// <param name="Passes">Directions that each step averages over.</param>
/// <param name="Layerwise">True if the layers of a block are perturbed one at a time.</param>
/// <param name="Sites">Layers that are perturbed.</param>
/// <param name="ControlVariate">The prediction of the gradients.</param>
/// <param name="Recompute">True if values of a block are computed again on the way back; changes memory and time, no result.</param>
/// <param name="Threads">Threads, which change no result.</param>
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
    /// <summary>The derivatives that noise on weights is multiplied by.</summary>
    internal WeightCredit WeightCredit { get; init; } = WeightCredit.Paper;

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

    /// <summary>The control variates by their names.</summary>
    internal static IReadOnlyDictionary<string, ControlVariate> ControlVariates { get; } = new Dictionary<string, ControlVariate>
    {
        ["none"] = ControlVariate.None,
        ["learned-feedback"] = ControlVariate.LearnedFeedback,
    };

    /// <summary>The names of the distributions that directions can be drawn from.</summary>
    internal static IReadOnlyCollection<string> PerturbationNames => Perturbations.Keys;

    /// <summary>The name of a control variate.</summary>
    internal static string NameOf(ControlVariate controlVariate) => ControlVariates.Single(pair => pair.Value == controlVariate).Key;

    /// <summary>
    /// True if a rule predicts the gradients of losses that train their own block. Such a rule has layerwise noise and rates of its own.
    /// </summary>
    internal static bool PredictsWithinBlocks(string rule, ControlVariate controlVariate) =>
        controlVariate == ControlVariate.LearnedFeedback && PaperRules.Get(rule).KeepsLossesInBlocks;

    /// <summary>A rule as it is when no option changes it.</summary>
    internal static RuleSettings Default(string rule, int threads) =>
        new(rule, DefaultPerturbation, 1, false, NoiseSites.All, ControlVariate.None, false, threads);

    /// <summary>The settings with the rule that computes the gradient exactly in place of the rule.</summary>
    internal RuleSettings Exact => this with { Rule = PaperRules.Exact(PaperRules.Get(Rule)).Name };

    /// <summary>Prepares steps of the rule on a network.</summary>
    /// <exception cref="RunException">The rule cannot train the network.</exception>
    /// <exception cref="ArgumentException">The processes cannot share the steps.</exception>
    internal TrainingStep CreateStep(
        Network network,
        WorkerTeam team,
        LossScope scope,
        ObjectiveSettings objective,
        ulong seed,
        RankGrid? grid = null,
        IReadOnlyCollection<int>? frozen = null)
    {
        LearningRule rule = PaperRules.Get(Rule).Create(new RuleArguments
        {
            Distribution = Perturbations[Perturbation],
            Scope = scope,
            Passes = Passes,
            Layerwise = Layerwise,
            Sites = Sites,
            ControlVariate = ControlVariate,
            WeightCredit = WeightCredit,
            Recompute = Recompute,
            Overlap = objective.Overlap,
            Seed = seed,
            Loss = objective.Loss,
        });
        try
        {
            return new TrainingStep(network, rule, team, grid, seed, frozen);
        }
        catch (ArgumentException fault) when (fault.ParamName != nameof(grid))
        {
            throw new RunException($"{Rule} cannot train this network: {RunException.Sentence(fault)}", fault);
        }
    }
}
