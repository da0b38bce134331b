using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Tests.Oracle;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

/// <summary>A frozen block keeps its bits, and the other blocks get the gradients that they get beside a block that learns.</summary>
public sealed class FrozenBlockTests
{
    private static readonly LocalMixerOptions Options =
        TinyNetwork.TwoBlocks(patchesPerSide: 2, channels: 24, groups: 2) with { Blocks = 3 };

    private static readonly Dictionary<string, Func<LearningRule>> Rules = new()
    {
        ["LG-FG-A"] = () => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 2, seed: 5),
        ["LG-FG-W"] = () => new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 5),
        ["BP"] = () => Backpropagation.ThroughWeights(BackwardScope.Readout),
        ["BP, recomputing"] = () => Backpropagation.ThroughWeights(BackwardScope.Readout, recompute: true),
        ["L-BP"] = () => Backpropagation.ThroughWeights(BackwardScope.LocalLosses),
        ["LG-BP"] = () => Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock),
        ["LG-BP, overlapping"] = () => Backpropagation.ThroughWeights(BackwardScope.LocalLossesOverlapping),
        ["FA"] = () => Backpropagation.ThroughRandomFeedback(BackwardScope.Readout, seed: 5),
        ["DFA"] = () => new DirectFeedbackAlignment(seed: 5),
    };

    public static TheoryData<string, int[]> Cases
    {
        get
        {
            TheoryData<string, int[]> cases = [];
            foreach (string rule in Rules.Keys)
            {
                cases.Add(rule, [0]);
                cases.Add(rule, [0, 1]);
                cases.Add(rule, [1]);
                cases.Add(rule, [0, 1, 2]);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Other_blocks_get_the_same_gradients(string rule, int[] frozen)
    {
        using WorkerTeam team = new(2);
        TinyNetwork tiny = TinyNetwork.Create(Options, 40);
        TrainingStep all = new(tiny.Model, Rules[rule](), team), some = new(tiny.Model, Rules[rule](), team, frozen: frozen);

        StepResult expected = all.Run(tiny.FlatPixels, tiny.Labels, 3), actual = some.Run(tiny.FlatPixels, tiny.Labels, 3);

        Assert.Equal(expected.BlockLosses, actual.BlockLosses);
        Assert.Equal(expected.ReadoutLoss, actual.ReadoutLoss);
        HashSet<Parameter> still = [.. frozen.SelectMany(block => ParametersOf(tiny.Model.Blocks[block]))];
        foreach (Parameter parameter in tiny.Model.Values.Layout.Parameters)
        {
            if (still.Contains(parameter))
            {
                Assert.All(some.Gradients[parameter].ToArray(), gradient => Assert.Equal(0, gradient));
            }
            else
            {
                Tolerance.Same(all.Gradients[parameter], some.Gradients[parameter], parameter.Name);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_frozen_block_keeps_its_bits_and_the_others_learn(string rule, int[] frozen)
    {
        using WorkerTeam team = new(2);
        TinyNetwork tiny = TinyNetwork.Create(Options, 40);
        float[] before = [.. tiny.Model.Values.All];
        TrainingStep step = new(tiny.Model, Rules[rule](), team, frozen: frozen);
        TrainingOptions options = new() { Epochs = 1, LearningRate = 0.05, WeightDecay = 0.1, Seed = 1 };
        ParameterUpdate update = ParameterUpdate.Of(
            tiny.Model.Values.Layout, TrainedParameter.Of(tiny.Model, options, step.FrozenBlocks), options, team);
        for (uint number = 0; number < 3; number++)
        {
            update.Step(step, tiny.FlatPixels, tiny.Labels, number, 0.05);
        }

        foreach (NetworkBlock block in tiny.Model.Blocks)
        {
            foreach (Parameter parameter in ParametersOf(block))
            {
                bool same = tiny.Model.Values[parameter].SequenceEqual(before.AsSpan(parameter.Offset, parameter.Length));
                Assert.True(same || !frozen.Contains(block.Index), $"{parameter.Name} changed");
                Assert.True(!same || frozen.Contains(block.Index) || parameter.Shape.Count == 1, $"{parameter.Name} did not change");
            }
        }

        Parameter readout = tiny.Model.Readout.Weight;
        Assert.False(tiny.Model.Values[readout].SequenceEqual(before.AsSpan(readout.Offset, readout.Length)));
    }

    [Fact]
    public void Rules_whose_noise_passes_through_all_blocks_refuse()
    {
        using WorkerTeam team = new(1);
        TinyNetwork tiny = TinyNetwork.Create(Options, 4);
        LearningRule[] rules =
        [
            new ForwardGradient(NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 5),
            new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 5),
            TrainedRun.FeedbackRule(),
        ];

        Assert.All(
            rules,
            rule => Assert.Contains(
                "No block can be frozen",
                Assert.Throws<ArgumentException>(() => new TrainingStep(tiny.Model, rule, team, frozen: [0])).Message));
        Assert.Contains(
            "blocks 0 to 2; frozen are 3",
            Assert.Throws<ArgumentException>(() => new TrainingStep(tiny.Model, Rules["BP"](), team, frozen: [3])).Message);
    }

    [Fact]
    public void A_run_is_not_resumed_with_other_blocks_frozen()
    {
        using WorkerTeam team = new(1);
        TinyNetwork tiny = TinyNetwork.Create(Options, 4);
        TrainingStep none = new(tiny.Model, Rules["LG-BP"](), team), some = new(tiny.Model, Rules["LG-BP"](), team, frozen: [2, 0]);

        Assert.Equal($"{none.Description}, frozen blocks 0 2", some.Description);
    }

    private static IEnumerable<Parameter> ParametersOf(NetworkBlock block) =>
        block.Layers.SelectMany(layer => new[] { layer.Weight, layer.Bias }).Append(block.Head.Weight).Append(block.Head.Bias);
}
