using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Tests.Oracle;
using Onward.Threads;

namespace Onward.Tests.Rules;

public sealed class BackpropagationTests
{
    // Differences of values know of no stopped gradients, so each loss is named.
    [Theory]
    [InlineData("all normalisations")]
    [InlineData("narrowing")]
    [InlineData("narrowing to the largest")]
    [InlineData("widening")]
    [InlineData("scaled convolution")]
    public void Gradients_are_central_differences_of_the_losses(string name)
    {
        TinyNetwork network = TinyNetwork.Create(name);
        using WorkerTeam team = new(2);
        TrainingStep global = new(network.Model, Backpropagation.ThroughWeights(BackwardScope.Readout), team);
        TrainingStep local = new(network.Model, Backpropagation.ThroughWeights(BackwardScope.LocalLosses), team);

        global.Run(network.FlatPixels, network.Labels, 0);
        local.Run(network.FlatPixels, network.Labels, 0);

        foreach (Parameter weight in network.Model.Blocks.SelectMany(block => block.Layers).Select(layer => layer.Weight))
        {
            Tolerance.Near(
                NaiveGradients.CentralDifferences(network, weight, sweep => sweep.ReadoutLoss),
                global.Gradients[weight],
                Tolerance.Network,
                weight.Name);
            Tolerance.Near(
                NaiveGradients.CentralDifferences(network, weight, sweep => Dual.Sum(sweep.Blocks.Select(block => block.MeanLoss))),
                local.Gradients[weight],
                Tolerance.Network,
                weight.Name);
        }
    }

    private static Dictionary<string, LocalMixerOptions> Networks { get; } = new()
    {
        ["matrix"] = Mixer(),
        ["convolution"] = Mixer() with { TokenMixer = TokenMixer.DepthwiseConvolution },
        ["scaled"] =
            Mixer() with { Downsample = [2, 2, 1], ChannelRatio = [2, 1, 1], GroupRatio = [1, 2, 1], Pooling = PatchPooling.Maximum },
    };

    private static LocalMixerOptions Mixer() =>
        new() { Blocks = 3, PatchesPerSide = 8, Channels = 32, Groups = 4, ImageSide = 16, ImageChannels = 1, Classes = 3 };

    [Theory]
    [InlineData(BackwardScope.Readout, "matrix")]
    [InlineData(BackwardScope.LocalLosses, "matrix")]
    [InlineData(BackwardScope.LocalLosses, "convolution")]
    [InlineData(BackwardScope.LocalLosses, "scaled")]
    public void Values_computed_again_give_the_same_bits_in_less_memory(BackwardScope scope, string network)
    {
        Network model = LocalMixer.Build(Networks[network]);
        CounterRandom.Normals(new RandomStream(6, RandomPurpose.Initialization), 0, model.Values.All);
        float[] pixels = new float[20 * 256];
        CounterRandom.Normals(new RandomStream(3, RandomPurpose.Data), 0, pixels);
        int[] labels = [.. Enumerable.Range(0, 20).Select(n => n % 3)];
        using WorkerTeam team = new(2);
        TrainingStep kept = new(model, Backpropagation.ThroughWeights(scope), team);
        TrainingStep again = new(model, Backpropagation.ThroughWeights(scope, recompute: true), team);

        StepResult expected = kept.Run(pixels, labels, 0), actual = again.Run(pixels, labels, 0);

        Assert.Equal(expected.ReadoutLoss, actual.ReadoutLoss);
        Assert.Equal(expected.BlockLosses, actual.BlockLosses);
        Assert.Equal(expected.Mistakes, actual.Mistakes);
        Assert.Equal(kept.Gradients.All, again.Gradients.All);
        Assert.True(again.ActivationBytes < kept.ActivationBytes, $"{again.ActivationBytes} is not below {kept.ActivationBytes}");
        Assert.True(again.MatrixFlopsPerExample > kept.MatrixFlopsPerExample);
    }

    // Many tiles in flight, and a first layer that is narrower than the rest, so that the same place in shared memory would belong
    // to different examples in different blocks; more threads than processors, so that they stop anywhere.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tiles_in_different_blocks_do_not_touch_one_another(bool comparesExamples)
    {
        const int Batch = 64;
        Network model = LocalMixer.Build(new LocalMixerOptions
        {
            Blocks = 4,
            PatchesPerSide = 8,
            Channels = 128,
            Groups = 4,
            ImageSide = 32,
            ImageChannels = 3,
            Classes = 3,
            Projection = comparesExamples ? 8 : 0,
        });
        model.Initialize(4);
        float[] pixels = new float[Batch * 3072];
        CounterRandom.Normals(new RandomStream(3, RandomPurpose.Data), 0, pixels);
        int[] labels = [.. Enumerable.Range(0, Batch).Select(n => n % 3)];
        using WorkerTeam team = new(4), single = new(1);
        LearningRule Rule(bool recompute) => comparesExamples
            ? new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 2)
            : Backpropagation.ThroughWeights(BackwardScope.LocalLosses, recompute);
        TrainingStep expected = new(model, Rule(recompute: false), single), actual = new(model, Rule(recompute: true), team);
        expected.Run(pixels, labels, 0);
        for (int repetition = 0; repetition < 20; repetition++)
        {
            actual.Run(pixels, labels, 0);

            Assert.Equal(expected.Gradients.All, actual.Gradients.All);
        }
    }

    public static IEnumerable<TheoryDataRow<string, string>> Rules() =>
        from network in Networks.Keys
        from rule in new[] { "BP", "LG-BP", "recompute", "DFA", "FG-A", "FG-W", "LG-FG-W", "overlapping LG-BP", "layer by layer" }
        select new TheoryDataRow<string, string>(rule, network);

    [Theory]
    [MemberData(nameof(Rules))]
    public void Threads_change_no_bit_and_steps_allocate_nothing(string name, string network)
    {
        Network model = LocalMixer.Build(Networks[network]);
        CounterRandom.Normals(new RandomStream(6, RandomPurpose.Initialization), 0, model.Values.All);
        float[] pixels = new float[20 * 256];
        CounterRandom.Normals(new RandomStream(3, RandomPurpose.Data), 0, pixels);
        int[] labels = [.. Enumerable.Range(0, 20).Select(n => n % 3)];
        float[]? expected = null;
        foreach (int threads in new[] { 1, 2, 5 })
        {
            using WorkerTeam team = new(threads);
            TrainingStep training = new(model, Create(name), team);
            training.Run(pixels, labels, 1);
            training.Run(pixels, labels, 1);
            expected ??= training.Gradients.All.ToArray();
            Assert.Equal(expected, training.Gradients.All);
            if (threads == 1)
            {
                // Code that is not yet optimised boxes here and there; within a second it is.
                SpinWait.SpinUntil(() => Allocated(() => training.Run(pixels, labels, 2)) == 0, TimeSpan.FromSeconds(10));
                Assert.Equal(0, Allocated(() => training.Run(pixels, labels, 2)));
            }
        }
    }

    private static long Allocated(Action work)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static LearningRule Create(string name) => name switch
    {
        "BP" => Backpropagation.ThroughWeights(BackwardScope.Readout),
        "LG-BP" => Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock),
        "recompute" => Backpropagation.ThroughWeights(BackwardScope.Readout, recompute: true),
        "DFA" => new DirectFeedbackAlignment(seed: 2),
        "FG-A" => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.Global, 2, seed: 2),
        "FG-W" => new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.Global, 2, seed: 2),
        "overlapping LG-BP" => Backpropagation.ThroughWeights(BackwardScope.LocalLossesOverlapping),
        "layer by layer" => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 2, layerwise: true),
        _ => new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 2),
    };
}
