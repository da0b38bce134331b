using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Optimizers;
using Onward.Rules;
using Onward.Tests.Oracle;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

/// <summary>A step that updates each slice as its gradient comes leaves the bits of a step and an update after it.</summary>
public sealed class SlicedUpdateTests
{
    private const int Steps = 4;

    // Matrices and convolutions of several slices each; batches of several waves.
    private static readonly Dictionary<string, (LocalMixerOptions Options, int Batch)> Networks = new()
    {
        ["one patch"] = (TinyNetwork.TwoBlocks(patchesPerSide: 1, channels: 120, groups: 6), 600),
        ["8x8 patches"] = (TinyNetwork.TwoBlocks(patchesPerSide: 8, channels: 120, groups: 6), 20),
        ["convolution"] = (
            TinyNetwork.TwoBlocks(patchesPerSide: 8, channels: 88, groups: 4) with { TokenMixer = TokenMixer.DepthwiseConvolution }, 20),
        ["projections"] = (TinyNetwork.TwoBlocks(patchesPerSide: 2, channels: 24, groups: 2) with { Projection = 5 }, 150),
    };

    private static readonly Dictionary<string, Func<LearningRule>> Rules = new()
    {
        ["LG-FG-A"] = () => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 2, seed: 5),
        ["FG-A"] = () => new ForwardGradient(NoiseDistribution.Rademacher, LossScope.Global, 1, seed: 5),
        ["LG-BP, overlapping"] = () => Backpropagation.ThroughWeights(BackwardScope.LocalLossesOverlapping),
        ["BP"] = () => Backpropagation.ThroughWeights(BackwardScope.Readout),
        ["BP, recomputing"] = () => Backpropagation.ThroughWeights(BackwardScope.Readout, recompute: true),
        ["LG-BP"] = () => Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock),
        ["FA"] = () => Backpropagation.ThroughRandomFeedback(BackwardScope.Readout, seed: 5),
        ["DFA"] = () => new DirectFeedbackAlignment(seed: 5),
        ["FG-W"] = () => new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 5),
    };

    private static readonly Dictionary<string, Optimizer> Optimizers = new()
    {
        ["SGD"] = new Sgd(0.9, 0.01),
        ["LARS"] = new Lars(0.9, 0.01),
        ["AdamW"] = new AdamW(0.9, 0.99, 0.01),
        ["Muon"] = new Muon(0.95, new AdamW(0.9, 0.99, 0.01)),
    };

    public static TheoryData<string, string, string> Cases
    {
        get
        {
            TheoryData<string, string, string> cases = [];
            foreach (string network in Networks.Keys)
            {
                foreach (string rule in Rules.Keys.Where(rule => network != "projections" || rule is "LG-FG-A" or "LG-BP"))
                {
                    cases.Add(network, rule, "SGD");
                }
            }

            cases.Add("8x8 patches", "LG-FG-A", "LARS");
            cases.Add("8x8 patches", "LG-FG-A", "AdamW");
            cases.Add("convolution", "BP", "AdamW");
            cases.Add("projections", "LG-BP", "AdamW");
            cases.Add("8x8 patches", "LG-FG-A", "Muon");
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_leaves_what_a_step_and_an_update_leave(string network, string rule, string optimizer)
    {
        (float[] Values, float[] Velocity, double[] Losses) expected = Train(network, rule, optimizer, threads: 1, Apart);

        foreach (int threads in new[] { 1, 3 })
        {
            (
                float[] Values,
                float[] Velocity,
                double[] Losses) actual = Train(network, rule, optimizer, threads, (update, learning, pixels, labels, step) =>
                update.Step(learning, pixels, labels, step, 0.05));

            Tolerance.Same(expected.Values, actual.Values, $"values, {threads} threads");
            Tolerance.Same(expected.Velocity, actual.Velocity, $"velocity, {threads} threads");
            Assert.Equal(expected.Losses, actual.Losses);
        }
    }

    // Rates, decay and parameters that are left out are those of the update, whichever way it is applied.
    [Fact]
    public void Slices_take_the_rate_of_their_parameter()
    {
        Update step = (update, learning, pixels, labels, number) =>
            update.Step(learning, pixels, labels, number, 0.05);

        float[] expected = Train(
            "8x8 patches", "LG-FG-A", "SGD", 2, Apart, Some).Values, actual = Train("8x8 patches", "LG-FG-A", "SGD", 2, step, Some).Values;

        Tolerance.Same(expected, actual, "values");

        static TrainedParameter[] Some(Network model) =>
            [
                .. model.Values.Layout.Parameters.Where((_, i) => i % 5 != 1)
                .Select((parameter, i) => new TrainedParameter(parameter, i % 2 == 0, 1 + (0.25 * i))),
            ];
    }

    [Fact]
    public void Parameters_that_others_change_are_packed_again()
    {
        float[] With(bool inSlices) => Train("8x8 patches", "LG-FG-A", "SGD", 1, (update, learning, pixels, labels, step) =>
        {
            foreach (ref float value in learning.Network.Values.All)
            {
                value *= 1.5f;
            }

            return inSlices ? update.Step(learning, pixels, labels, step, 0.05) : Apart(update, learning, pixels, labels, step);
        }).Values;

        Tolerance.Same(With(inSlices: false), With(inSlices: true), "values");
    }

    // A span that the caller got before the first step, and has kept.
    [Fact]
    public void Parameters_that_others_change_at_any_time_are_packed_again()
    {
        float[] With(Update step)
        {
            TinyNetwork tiny = TinyNetwork.Create(Networks["8x8 patches"].Options, Networks["8x8 patches"].Batch);
            using WorkerTeam team = new(2);
            TrainingStep learning = new(tiny.Model, Rules["LG-FG-A"](), team);
            ParameterUpdate update = new(tiny.Model.Values.Layout, Optimizers["SGD"], team);
            Span<float> held = tiny.Model.Values[tiny.Model.Blocks[1].Layers[1].Weight];
            for (uint number = 0; number < Steps; number++)
            {
                step(update, learning, tiny.FlatPixels, tiny.Labels, number);
                held[(int)number] += 0.5f;
            }

            return tiny.Model.Values.All.ToArray();
        }

        Tolerance.Same(
            With(Apart), With((update, learning, pixels, labels, step) => update.Step(learning, pixels, labels, step, 0.05)), "values");
    }

    [Fact]
    public void A_step_that_fails_leaves_nothing_packed()
    {
        TinyNetwork tiny = TinyNetwork.Create(Networks["one patch"].Options, Networks["one patch"].Batch);
        using WorkerTeam team = new(1);
        TrainingStep learning = new(tiny.Model, Rules["LG-FG-A"](), team);
        ParameterUpdate update = new(tiny.Model.Values.Layout, Optimizers["SGD"], team);
        tiny.Model.Values.EndLoans();
        int[] faulty = [.. tiny.Labels[..^1], 99];

        Assert.ThrowsAny<Exception>(() => update.Step(learning, tiny.FlatPixels, faulty, 0, 0.05));

        Assert.True(tiny.Model.Pack(team, ..2));
    }

    [Fact]
    public void Weights_are_packed_behind_their_update()
    {
        TinyNetwork tiny = TinyNetwork.Create(Networks["one patch"].Options, Networks["one patch"].Batch);
        using WorkerTeam team = new(1);
        ParameterUpdate update = new(tiny.Model.Values.Layout, Optimizers["SGD"], team);
        tiny.Model.Values.EndLoans();

        update.Step(new TrainingStep(tiny.Model, Rules["BP"](), team), tiny.FlatPixels, tiny.Labels, 0, 0.05);

        Assert.False(tiny.Model.Pack(team, ..2));
    }

    private delegate StepResult Update(ParameterUpdate update, TrainingStep learning, float[] pixels, int[] labels, uint step);

    private static StepResult Apart(ParameterUpdate update, TrainingStep learning, float[] pixels, int[] labels, uint step)
    {
        StepResult result = learning.Run(pixels, labels, step);
        update.Apply(learning.Network.Values, learning.Gradients, 0.05);
        return result;
    }

    private static (float[] Values, float[] Velocity, double[] Losses) Train(
        string network, string rule, string optimizer, int threads, Update step, Func<Network, TrainedParameter[]>? trained = null)
    {
        TinyNetwork tiny = TinyNetwork.Create(Networks[network].Options, Networks[network].Batch);
        using WorkerTeam team = new(threads);
        TrainingStep learning = new(tiny.Model, Rules[rule](), team);
        ParameterUpdate update = trained is null
            ? new(tiny.Model.Values.Layout, Optimizers[optimizer], team)
            : new(tiny.Model.Values.Layout, trained(tiny.Model), Optimizers[optimizer], team);
        List<double> losses = [];
        for (uint number = 0; number < Steps; number++)
        {
            StepResult result = step(update, learning, tiny.FlatPixels, tiny.Labels, number);
            losses.AddRange([.. result.BlockLosses, result.ReadoutLoss]);
        }

        return (tiny.Model.Values.All.ToArray(), update.Velocity.All.ToArray(), [.. losses]);
    }
}
