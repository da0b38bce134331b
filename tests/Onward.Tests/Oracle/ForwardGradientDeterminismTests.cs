using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Optimizers;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Oracle;

/// <summary>Neither threads, nor tiles, nor waves change a bit. The batches make several of each.</summary>
public sealed class ForwardGradientDeterminismTests
{
    private const int Steps = 5;

    private static readonly Dictionary<string, (LocalMixerOptions Options, int Batch)> Cases = new()
    {
        // Two waves of up to 512 examples.
        ["M/1/16"] = (LocalMixerPresets.Get("M/1/16", imageSide: 28, imageChannels: 1, classes: 10), 600),

        // Three waves of 8 examples, one example a tile.
        ["8x8 patches"] = (TinyNetwork.TwoBlocks(patchesPerSide: 8, channels: 40, groups: 4), 20),

        ["8x8 patches, convolution"] = (
            TinyNetwork.TwoBlocks(patchesPerSide: 8, channels: 88, groups: 4) with { TokenMixer = TokenMixer.DepthwiseConvolution }, 20),

        // Waves of as many examples as threads, but at least two: other waves for other threads.
        ["16x16 patches"] = (TinyNetwork.TwoBlocks(patchesPerSide: 16, channels: 12, groups: 3), 7),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Losses_gradients_and_weights_of_five_steps_are_the_same_for_any_number_of_threads(string name)
    {
        List<ulong[]> expected = Train(name, 1);

        foreach (int threads in new[] { 2, 5 })
        {
            List<ulong[]> actual = Train(name, threads);
            Assert.All(
                expected,
                (bits, i) => Assert.True(
                    bits.AsSpan().SequenceEqual(actual[i]), $"{threads} threads: losses, gradients, weights by turns, number {i}"));
        }
    }

    // The bits of losses, gradients and weights, one after the other for each step.
    private static List<ulong[]> Train(string name, int threads)
    {
        TinyNetwork network = TinyNetwork.Create(Cases[name].Options, Cases[name].Batch);
        using WorkerTeam team = new(threads);
        TrainingStep training = new(network.Model, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 5), team);
        ParameterUpdate update = new(network.Model.Values.Layout, new Sgd(Momentum: 0.9, WeightDecay: 1e-4), team);
        List<ulong[]> trajectory = [];
        for (uint step = 0; step < Steps; step++)
        {
            StepResult result = training.Run(network.FlatPixels, network.Labels, step);
            update.Apply(network.Model.Values, training.Gradients, rate: 0.1);
            trajectory.Add(
                [.. result.BlockLosses.Append(result.ReadoutLoss).Append(result.Mistakes).Select(BitConverter.DoubleToUInt64Bits)]);
            trajectory.Add(Bits(training.Gradients.All));
            trajectory.Add(Bits(network.Model.Values.All));
        }

        return trajectory;
    }

    private static ulong[] Bits(ReadOnlySpan<float> values) =>
        [.. values.ToArray().Select(value => (ulong)BitConverter.SingleToUInt32Bits(value))];
}
