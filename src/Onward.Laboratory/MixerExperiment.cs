using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Laboratory;

/// <summary>Options of an experiment with the forward gradients of a network.</summary>
public sealed record MixerExperimentOptions
{
    /// <summary>Number of estimates to draw for each rule, at least 2. Each is an average over its passes.</summary>
    public required int Draws { get; init; }

    /// <summary>Seed of all directions.</summary>
    public required ulong Seed { get; init; }

    /// <summary>
    /// Numbers of passes to measure each rule with, each 1 to <see cref="ForwardGradient.MaximumPasses"/>; at least one.
    /// Default 1.
    /// </summary>
    public IReadOnlyList<int> Passes { get; init; } = [1];

    /// <summary>Distribution of the directions. Default normal.</summary>
    public NoiseDistribution Noise { get; init; } = NoiseDistribution.Gaussian;

    /// <summary>Checks that every option is in its range.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message lists all faults.</exception>
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

/// <summary>A forward gradient of a network, compared with the exact gradient of the same losses.</summary>
/// <param name="Rule">The paper's name of the rule.</param>
/// <param name="Scope">The losses that the rule uses.</param>
/// <param name="Passes">Number of directions that an estimate is averaged over.</param>
/// <param name="Total">The statistics of all weights of the blocks together.</param>
/// <param name="Layers">The statistics of each layer's weights, by the name of the parameter.</param>
public sealed record MixerEstimate(
    string Rule, LossScope Scope, int Passes, EstimateQuality Total, IReadOnlyList<(string Weight, EstimateQuality Quality)> Layers);

/// <summary>Measures variance, bias and direction of the forward gradients of a network on one batch.</summary>
/// <remarks>
/// <para>
/// FG-W and FG-A are compared with the gradient of the readout's loss, LG-FG-W and LG-FG-A at every scope with the gradient
/// of the local losses. Both exact gradients are computed by backpropagation. FG-A and the finest LG-FG-A are also measured
/// with noise on hidden layers only, and with learned feedback (layer by layer if losses are local).
/// </para>
/// <para>
/// The batch is fixed, so the measured variance is the variance over directions. Only weights of the blocks are compared. Rules
/// run as in training, and results do not depend on threads. Scopes that coincide for a network are measured once: scopes for
/// each patch if there is one patch, or if weights are perturbed, which all patches share.
/// </para>
/// </remarks>
public sealed class MixerExperiment
{
    /// <summary>Number of draws that learned feedback is fitted to before its estimates are measured.</summary>
    public const int FittingDraws = 200;

    private readonly Network _model;
    private readonly WorkerTeam _team;
    private readonly ReadOnlyMemory<float> _pixels;
    private readonly ReadOnlyMemory<int> _labels;
    private readonly Parameter[] _weights;
    private readonly float[] _estimate;

    /// <summary>Stores the model and the batch.</summary>
    /// <param name="model">The model. Its heads must not be 0, as they are after initialisation, because the gradient would be 0.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="pixels">Standardised images. [example, row, column, channel]</param>
    /// <param name="labels">Class of each example. [example]</param>
    public MixerExperiment(Network model, WorkerTeam team, ReadOnlyMemory<float> pixels, ReadOnlyMemory<int> labels)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(team);
        (_model, _team, _pixels, _labels) = (model, team, pixels, labels);
        _weights = [.. model.Blocks.SelectMany(block => block.Layers).Select(layer => layer.Weight)];
        _estimate = new float[_weights.Sum(weight => weight.Length)];
    }

    /// <summary>Runs the experiment, for each rule, scope and number of passes.</summary>
    /// <param name="options">The number of draws, and how to draw.</param>
    /// <param name="cancellation">Cancels the measurement.</param>
    /// <returns>One entry for each rule, scope and number of passes. Learned feedback is left out if it cannot serve the network.</returns>
    /// <exception cref="ArgumentException">The options are out of range, the batch does not fit the model, or an exact gradient is
    /// 0.</exception>
    /// <exception cref="OperationCanceledException">The measurement was cancelled.</exception>
    public IReadOnlyList<MixerEstimate> Run(MixerExperimentOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        float[] global = Exact(BackwardScope.Readout), local = Exact(BackwardScope.LocalLossesWithinBlock);
        List<MixerEstimate> estimates = [];
        foreach (LossScope scope in ScopesOf(_model, activities: false))
        {
            Measure("FG-W", scope, passes => new WeightForwardGradient(options.Noise, scope, passes, options.Seed));
        }

        LossScope[] scopes = [.. ScopesOf(_model, activities: true)];
        foreach (LossScope scope in scopes)
        {
            Measure("FG-A", scope, passes => new ForwardGradient(options.Noise, scope, passes, options.Seed));
        }

        foreach (LossScope scope in new[] { scopes[0], scopes[^1] })
        {
            Measure(
                "FG-A, hidden",
                scope,
                passes => new ForwardGradient(options.Noise, scope, passes, options.Seed, sites: NoiseSites.Hidden));
            if (LearnedFeedback.FaultOf(_model, scope == LossScope.Global) is null)
            {
                Measure("FG-A, feedback", scope, passes => Feedback(scope, passes, options));
            }
        }

        return estimates;

        void Measure(string rule, LossScope scope, Func<int, LearningRule> create)
        {
            foreach (int passes in options.Passes)
            {
                string name = $"{(scope == LossScope.Global ? "" : "LG-")}{rule}";
                TrainingStep step = new(_model, create(passes), _team);
                FitFeedback(step, options.Draws, cancellation);
                EstimateMoments moments = Draw(step, scope == LossScope.Global ? global : local, options.Draws, cancellation);
                IEnumerable<(string, EstimateQuality)> layers = _weights.Select((weight, l) => (weight.Name, moments.Measure(l)));
                estimates.Add(new MixerEstimate(name, scope, passes, moments.Measure(), [.. layers]));
            }
        }
    }

    private static ForwardGradient Feedback(LossScope scope, int passes, MixerExperimentOptions options) => new(
        options.Noise, scope, passes, options.Seed, layerwise: scope != LossScope.Global, sites: NoiseSites.Hidden,
        controlVariate: ControlVariate.LearnedFeedback);

    // Fits learned feedback, if the rule has it, to draws that are not measured. It does not change during the measurement.
    private void FitFeedback(TrainingStep step, int draws, CancellationToken cancellation)
    {
        if (ForwardGradient.FeedbackOf(step) is not LearnedFeedback feedback)
        {
            return;
        }

        for (uint draw = 0; draw < FittingDraws; draw++)
        {
            cancellation.ThrowIfCancellationRequested();
            step.Run(_pixels, _labels, ((uint)draws + draw) * LearnedFeedback.StepsPerFit);
        }

        feedback.IsFitted = false;
    }

    private static IEnumerable<LossScope> ScopesOf(Network network, bool activities)
    {
        yield return LossScope.Global;
        LossScope[] local = [LossScope.Block, LossScope.Block | LossScope.Patch, LossScope.Block | LossScope.Group, LossScope.All];
        foreach (LossScope scope in local)
        {
            if ((!scope.HasFlag(LossScope.Patch) || (activities && network.MostPositions > 1))
                && (!scope.HasFlag(LossScope.Group) || network.Blocks[^1].Groups > 1))
            {
                yield return scope;
            }
        }
    }

    private float[] Exact(BackwardScope scope)
    {
        TrainingStep step = new(_model, Backpropagation.ThroughWeights(scope), _team);
        step.Run(_pixels, _labels, step: 0);
        float[] exact = new float[_estimate.Length];
        Gather(step, exact);
        return exact.AsSpan().ContainsAnyExcept(0f)
            ? exact
            : throw new ArgumentException(
                "The exact gradient of the blocks' weights is 0, as it is while heads and readout are 0; train for a step or more first.");
    }

    private EstimateMoments Draw(TrainingStep step, float[] exact, int draws, CancellationToken cancellation)
    {
        int end = 0;
        EstimateMoments moments = new(exact, [.. _weights.Select(weight => end += weight.Length)]);
        for (uint draw = 0; draw < draws; draw++)
        {
            cancellation.ThrowIfCancellationRequested();
            step.Run(_pixels, _labels, draw);
            Gather(step, _estimate);
            moments.Add(_estimate);
        }

        return moments;
    }

    private void Gather(TrainingStep step, Span<float> target)
    {
        foreach (Parameter weight in _weights)
        {
            step.Gradients[weight].CopyTo(target);
            target = target[weight.Length..];
        }
    }
}
