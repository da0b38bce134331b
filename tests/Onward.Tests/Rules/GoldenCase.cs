using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Rules;

/// <summary>A rule on a small network, and the hash of the gradients of its steps.</summary>
internal sealed class GoldenCase
{
    // Learned feedback is fitted in each of the first steps, and its predictions matter from the second one.
    private const int FittedSteps = 3;

    // Each network has several waves and an uneven rest: in the last wave, in the last tile or in both.
    private static readonly (string Name, int Examples, LocalMixerOptions Options)[] Networks =
    [
        ("M/1", 586, Network(blocks: 1, side: 1, channels: 64, groups: 2)),
        ("M/8", 10, Network(blocks: 3, side: 8, channels: 64, groups: 2)),
        ("convolution", 6, Network(blocks: 3, side: 16, channels: 24, groups: 3) with { TokenMixer = TokenMixer.DepthwiseConvolution }),
        (
            "scaled",
            25,
            Network(blocks: 3, side: 5, channels: 40, groups: 4) with
            {
                Downsample = [2, 1, 1],
                ChannelRatio = [1, 2, 1],
                GroupRatio = [1, 2, 1],
                Pooling = PatchPooling.Maximum,
            }
        ),
        ("contrastive", 66, Network(blocks: 3, side: 3, channels: 64, groups: 4) with { Projection = 12 }),
    ];

    private static readonly (string Name, int Count, NoiseDistribution Noise)[] Passes =
    [
        ("1 pass", 1, NoiseDistribution.Gaussian),
        ("4 passes", 4, NoiseDistribution.Gaussian),
        ("4 orthogonal passes", 4, NoiseDistribution.Orthogonal),
        ("2 passes of signs", 2, NoiseDistribution.Rademacher),
    ];

    private readonly LocalMixerOptions _options;
    private readonly int _examples;
    private readonly int _steps;
    private readonly Func<LearningRule> _create;

    private GoldenCase(
        string name, int examples, LocalMixerOptions options, int steps, Func<LearningRule> create)
    {
        Name = name;
        (_examples, _options, _steps, _create) = (examples, options, steps, create);
    }

    /// <summary>Every case, by name.</summary>
    public static IReadOnlyDictionary<string, GoldenCase> All { get; } = (
        from network in Networks
        from rule in BackwardRules.Concat(WeightRules).Concat(ActivityRules)
        select new GoldenCase($"{network.Name}, {rule.Name}", network.Examples, network.Options, rule.Steps, rule.Create))
        .ToDictionary(golden => golden.Name);

    /// <summary>The network, the rule and its settings.</summary>
    public string Name { get; }

    private static IEnumerable<(string Name, int Steps, Func<LearningRule> Create)> BackwardRules
    {
        get
        {
            (string Name, BackwardScope Scope)[] scopes =
            [
                ("", BackwardScope.Readout),
                ("L-", BackwardScope.LocalLosses),
                ("LG-", BackwardScope.LocalLossesWithinBlock),
                ("LG-", BackwardScope.LocalLossesOverlapping),
            ];
            foreach ((string prefix, BackwardScope scope) in scopes)
            {
                bool overlaps = scope == BackwardScope.LocalLossesOverlapping;
                foreach (bool recompute in scope < BackwardScope.LocalLossesWithinBlock ? [false, true] : (bool[])[false])
                {
                    string suffix = overlaps ? " overlapping" : recompute ? " recomputing" : "";
                    yield return (
                        $"{prefix}BP{suffix}", 1, () => Backpropagation.ThroughWeights(scope, recompute));
                    yield return (
                        $"{prefix}FA{suffix}",
                        1,
                        () => Backpropagation.ThroughRandomFeedback(scope, seed: 5, recompute));
                }
            }

            yield return ("DFA", 1, () => new DirectFeedbackAlignment(seed: 5));
        }
    }

    private static IEnumerable<(string Name, int Steps, Func<LearningRule> Create)> WeightRules =>
        from scope in (LossScope[])[LossScope.Global, LossScope.All, LossScope.Block, LossScope.Block | LossScope.Group]
        from passes in Passes
        where IsWanted(scope, passes.Count)
        select (
            $"{Prefix(scope)}FG-W, {passes.Name}{Suffix(scope)}",
            1,
            (Func<LearningRule>)(() =>
                new WeightForwardGradient(passes.Noise, scope, passes.Count, seed: 5)));

    private static IEnumerable<(string Name, int Steps, Func<LearningRule> Create)> ActivityRules =>
        from scope in (LossScope[])
        [
            LossScope.Global, LossScope.All, LossScope.Block, LossScope.Block | LossScope.Patch, LossScope.Block | LossScope.Group,
        ]
        from layerwise in (bool[])[false, true]
        from control in (ControlVariate[])[ControlVariate.None, ControlVariate.LearnedFeedback]
        from sites in (NoiseSites[])[NoiseSites.All, NoiseSites.Hidden]
        from passes in Passes
        where IsWanted(scope, passes.Count)
            && !(passes.Noise == NoiseDistribution.Rademacher && (layerwise || sites == NoiseSites.Hidden))
            && !(layerwise && scope != LossScope.All)
            && !(sites == NoiseSites.Hidden && scope is not (LossScope.Global or LossScope.All))
            && !(control == ControlVariate.LearnedFeedback && sites == NoiseSites.All)
        let feedback = control == ControlVariate.LearnedFeedback
        select (
            $"{Prefix(scope)}FG-A, {passes.Name}{Suffix(scope)}{(layerwise ? ", layerwise" : "")}"
            + (feedback ? ", learned feedback" : sites == NoiseSites.Hidden ? ", hidden" : ""),
            feedback ? FittedSteps : 1,
            (Func<LearningRule>)(() =>
                new ForwardGradient(passes.Noise, scope, passes.Count, seed: 5, null, layerwise, sites, control)));

    /// <summary>
    /// Computes the hash of all gradients: of some steps on the batch, and of one on its first third, which fills the memory only in part.
    /// </summary>
    /// <param name="threads">Threads that share the work, which must not matter.</param>
    public string HashOfGradients(int threads)
    {
        using WorkerTeam team = new(threads);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Network model = CreateModel(_options);
        CounterRandom.Normals(new RandomStream(7, RandomPurpose.Initialization), 0, model.Values.All);
        foreach (Parameter parameter in model.Values.Layout.Parameters)
        {
            foreach (ref float value in model.Values[parameter])
            {
                value *= 0.1f;
            }
        }

        float[] pixels = new float[_examples * _options.ImageSide * _options.ImageSide * _options.ImageChannels];
        CounterRandom.Normals(new RandomStream(8, RandomPurpose.Data), 0, pixels);
        int[] labels = [.. Enumerable.Range(0, _examples).Select(n => (7 * n) % _options.Classes)];
        TrainingStep training = new(model, _create(), team);
        for (uint step = 0; step < _steps; step++)
        {
            Step(_examples, step);
        }

        Step(_examples / 6 * 2, (uint)_steps); // even: a contrastive batch has two views of each image
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];

        void Step(int examples, uint step)
        {
            training.Run(pixels.AsMemory(0, pixels.Length / _examples * examples), labels.AsMemory(0, examples), step);
            Assert.True(double.IsNormal(Tolerance.Norm(training.Gradients.All)), $"The gradients of {Name} are 0 or not finite.");
            foreach (Parameter parameter in training.Gradients.Layout.Parameters)
            {
                hash.AppendData(MemoryMarshal.AsBytes(training.Gradients.Read(parameter)));
            }
        }
    }

    /// <summary>Creates a model; no other line of these tests does.</summary>
    private static Network CreateModel(LocalMixerOptions options) => LocalMixer.Build(options);

    private static LocalMixerOptions Network(int blocks, int side, int channels, int groups) => new()
    {
        Blocks = blocks,
        PatchesPerSide = side,
        Channels = channels,
        Groups = groups,
        ImageSide = 2 * side,
        ImageChannels = 3,
        Classes = 10,
    };

    // Losses of other scopes than the paper's take the same ways with any noise.
    private static bool IsWanted(LossScope scope, int passes) => scope is LossScope.Global or LossScope.All || passes is 1 or 2;

    private static string Prefix(LossScope scope) => scope == LossScope.Global ? "" : "LG-";

    private static string Suffix(LossScope scope) => scope is LossScope.Global or LossScope.All
        ? ""
        : $", losses by {scope.ToString().ToLowerInvariant().Replace(", ", " and ", StringComparison.Ordinal)}";
}
