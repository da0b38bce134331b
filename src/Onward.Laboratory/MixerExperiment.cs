using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Laboratory;

/// <summary>How to measure the forward gradients of a network.</summary>
public sealed record MixerExperimentOptions
{
    /// <summary>Directions to draw for each rule, each an average over its passes; at least 2.</summary>
    public required int Draws { get; init; }

    /// <summary>Names all directions.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Passes to measure each rule with, 1 to <see cref="ForwardGradient.MaximumPasses"/> each; at least one. Default 1.</summary>
    public IReadOnlyList<int> Passes { get; init; } = [1];

    /// <summary>What directions are drawn from. Default normal.</summary>
    public NoiseDistribution Noise { get; init; } = NoiseDistribution.Gaussian;

    /// <summary>Checks every rule above.</summary>
    /// <exception cref="ArgumentException">Something is out of range; the message lists all of it.</exception>
    public void Validate()
    {
        List<string> faults = [];
        if (Draws < 2)
        {
            faults.Add($"draws must be at least 2; got {Draws}");
        }

        if (Passes.Count == 0 || Passes.Any(passes => passes is < 1 or > ForwardGradient.MaximumPasses))
        {
            faults.Add($"there must be passes, each 1 to {ForwardGradient.MaximumPasses}; got '{string.Join(", ", Passes)}'");
        }

        if (faults.Count > 0)
        {
            throw new ArgumentException($"Network: {string.Join("; ", faults)}.");
        }
    }
}

/// <summary>A forward gradient of a network, measured against the exact gradient of the losses it reads.</summary>
/// <param name="Rule">The paper's name of the rule.</param>
/// <param name="Scope">The losses it reads.</param>
/// <param name="Passes">Directions that an estimate averages over.</param>
/// <param name="Total">All weights of the blocks together.</param>
/// <param name="Layers">The weights of each layer, by the parameter's name.</param>
public sealed record MixerEstimate(
    string Rule, LossScope Scope, int Passes, EstimateQuality Total, IReadOnlyList<(string Weight, EstimateQuality Quality)> Layers);

/// <summary>
/// Measures variance, bias and direction of the forward gradients of a network on one batch: FG-W and FG-A against the
/// gradient of the readout's loss, LG-FG-W and LG-FG-A at every scope against that of the local losses, both by backprop. Beside
/// FG-A and the finest LG-FG-A stand those with noise on hidden layers alone, and with learned feedback, layer by layer where losses are
/// local.
/// </summary>
/// <remarks>
/// The batch stays the same, so what is measured is the variance over directions; weights of the blocks only. Rules run
/// as they do in training, and results depend on no thread. Scopes that are the same on a network (for each patch where
/// there is one; for each patch where weights, shared by all patches, are perturbed) are measured once.
/// </remarks>
public sealed class MixerExperiment
{
    /// <summary>Draws that learned feedback is fitted to before its estimates are measured.</summary>
    public const int FittingDraws = 200;

    private readonly LocalMixer _model;
    private readonly WorkerTeam _team;
    private readonly ReadOnlyMemory<float> _pixels;
    private readonly ReadOnlyMemory<int> _labels;
    private readonly Parameter[] _weights;
    private readonly float[] _estimate;

    /// <summary>Takes a model as it is, and a batch.</summary>
    /// <param name="model">The model; its heads must not be 0, as they are at first, for then there is no gradient.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="pixels">Standardised images [example, row, column, channel].</param>
    /// <param name="labels">The class of each example.</param>
    public MixerExperiment(LocalMixer model, WorkerTeam team, ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(team);
        (_model, _team, _pixels, _labels) = (model, team, pixels, labels);
        _weights = [.. model.Blocks.SelectMany(block => block.Layers).Select(layer => layer.Weight)];
        _estimate = new float[_weights.Sum(weight => weight.Length)];
    }

    /// <summary>Draws and measures, rule by rule, one scope after another, each with all passes.</summary>
    /// <param name="options">How often to draw.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    /// <exception cref="ArgumentException">
    /// The options are out of range, the batch does not fit the model, or an exact gradient is 0.
    /// </exception>
    /// <exception cref="OperationCanceledException">The measurement was ended.</exception>
    public IReadOnlyList<MixerEstimate> Run(MixerExperimentOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        float[] global = Exact(BackwardScope.Readout), local = Exact(BackwardScope.LocalLossesWithinBlock);
        List<MixerEstimate> estimates = [];
        foreach (LossScope scope in ScopesOf(_model.Options, activities: false))
        {
            Measure("FG-W", scope, passes => new WeightForwardGradient(_model, _team, options.Noise, scope, passes, options.Seed));
        }

        LossScope[] scopes = [.. ScopesOf(_model.Options, activities: true)];
        foreach (LossScope scope in scopes)
        {
            Measure("FG-A", scope, passes => new ForwardGradient(_model, _team, options.Noise, scope, passes, options.Seed));
        }

        foreach (LossScope scope in new[] { scopes[0], scopes[^1] })
        {
            Measure(
                "FG-A, hidden",
                scope,
                passes => new ForwardGradient(_model, _team, options.Noise, scope, passes, options.Seed, sites: NoiseSites.Hidden));
            Measure("FG-A, feedback", scope, passes => Fitted(scope, passes, options, cancellation));
        }

        return estimates;

        void Measure(string rule, LossScope scope, Func<int, LearningRule> create)
        {
            foreach (int passes in options.Passes)
            {
                string name = $"{(scope == LossScope.Global ? "" : "LG-")}{rule}";
                EstimateMoments moments = Draw(create(passes), scope == LossScope.Global ? global : local, options.Draws, cancellation);
                estimates.Add(
                    new MixerEstimate(
                        name, scope, passes, moments.Measure(), [.. _weights.Select((weight, l) => (weight.Name, moments.Measure(l)))]));
            }
        }
    }

    // Feedback is fitted first, to draws of its own, and then stays as it is.
    private ForwardGradient Fitted(LossScope scope, int passes, MixerExperimentOptions options, CancellationToken cancellation)
    {
        ForwardGradient rule = new(
            _model, _team, options.Noise, scope, passes, options.Seed, layerwise: scope != LossScope.Global, sites: NoiseSites.Hidden,
            controlVariate: ControlVariate.LearnedFeedback);
        for (uint draw = 0; draw < FittingDraws; draw++)
        {
            cancellation.ThrowIfCancellationRequested();
            rule.Step(_pixels, _labels, ((uint)options.Draws + draw) * LearnedFeedback.StepsPerFit);
        }

        rule.Feedback!.IsFitted = false;
        return rule;
    }

    private static IEnumerable<LossScope> ScopesOf(LocalMixerOptions network, bool activities)
    {
        yield return LossScope.Global;
        foreach (LossScope scope in new[] { LossScope.Block, LossScope.Block | LossScope.Patch, LossScope.Block | LossScope.Group, LossScope.All })
        {
            if ((!scope.HasFlag(LossScope.Patch) || (activities && network.Patches > 1))
                && (!scope.HasFlag(LossScope.Group) || network.GroupsOf(network.Blocks - 1) > 1))
            {
                yield return scope;
            }
        }
    }

    private float[] Exact(BackwardScope scope)
    {
        Backpropagation rule = Backpropagation.ThroughWeights(_model, _team, scope);
        rule.Step(_pixels, _labels, step: 0);
        float[] exact = new float[_estimate.Length];
        Gather(rule, exact);
        return exact.AsSpan().ContainsAnyExcept(0f)
            ? exact
            : throw new ArgumentException(
                "The exact gradient of the blocks' weights is 0, as it is while heads and readout are 0; train for a step or more first.");
    }

    private EstimateMoments Draw(LearningRule rule, float[] exact, int draws, CancellationToken cancellation)
    {
        int end = 0;
        EstimateMoments moments = new(exact, [.. _weights.Select(weight => end += weight.Length)]);
        for (uint draw = 0; draw < draws; draw++)
        {
            cancellation.ThrowIfCancellationRequested();
            rule.Step(_pixels, _labels, draw);
            Gather(rule, _estimate);
            moments.Add(_estimate);
        }

        return moments;
    }

    private void Gather(LearningRule rule, Span<float> target)
    {
        foreach (Parameter weight in _weights)
        {
            rule.Gradients[weight].CopyTo(target);
            target = target[weight.Length..];
        }
    }
}
