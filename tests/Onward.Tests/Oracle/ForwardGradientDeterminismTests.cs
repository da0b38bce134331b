using Onward.Learning;
using Onward.Models;
using Onward.Optimizers;
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
        ["8x8 patches"] = (Mixer(patchesPerSide: 8, channels: 40, groups: 4), 20),

        // Waves of as many examples as threads, but at least two: other waves for other threads.
        ["16x16 patches"] = (Mixer(patchesPerSide: 16, channels: 12, groups: 3), 7),
    };

    public static MatrixTheoryData<string, int> CasesAndThreads => new([.. Cases.Keys], [2, 5]);

    [Theory]
    [MemberData(nameof(CasesAndThreads))]
    public void Gradients_and_weights_of_five_steps_are_those_of_one_thread(string name, int threads)
    {
        List<float[]> expected = Train(name, 1);

        List<float[]> actual = Train(name, threads);

        for (int i = 0; i < expected.Count; i++)
        {
            Assert.True(expected[i].Select(BitConverter.SingleToUInt32Bits).SequenceEqual(actual[i].Select(BitConverter.SingleToUInt32Bits)), $"gradients and weights by turns, number {i}");
        }
    }

    [Theory]
    [MemberData(nameof(CasesAndThreads))]
    public void Losses_are_those_of_one_thread(string name, int threads)
    {
        double[] expected = Losses(name, 1);

        Assert.Equal(expected, Losses(name, threads));
    }

    private static LocalMixerOptions Mixer(int patchesPerSide, int channels, int groups) => new()
    {
        Blocks = 2,
        PatchesPerSide = patchesPerSide,
        Channels = channels,
        Groups = groups,
        ImageSide = 2 * patchesPerSide,
        ImageChannels = 1,
        Classes = 4,
    };

    // Gradients and weights after each step.
    private static List<float[]> Train(string name, int threads)
    {
        TinyNetwork network = TinyNetwork.Create(Cases[name].Options, Cases[name].Batch);
        using WorkerTeam team = new(threads);
        ForwardGradient rule = new(network.Model, team, ActivityPerturbation.Gaussian, LossScope.All, 1, seed: 5);
        ParameterUpdate update = new(network.Model.Values.Layout, new Sgd(Momentum: 0.9, WeightDecay: 1e-4), team);
        List<float[]> trajectory = [];
        for (uint step = 0; step < Steps; step++)
        {
            rule.Step(network.FlatPixels, network.Labels, step);
            update.Apply(network.Model.Values, rule.Gradients, rate: 0.1);
            trajectory.Add(rule.Gradients.All.ToArray());
            trajectory.Add(network.Model.Values.All.ToArray());
        }

        return trajectory;
    }

    private static double[] Losses(string name, int threads)
    {
        TinyNetwork network = TinyNetwork.Create(Cases[name].Options, Cases[name].Batch);
        using WorkerTeam team = new(threads);
        ForwardGradient rule = new(network.Model, team, ActivityPerturbation.Gaussian, LossScope.All, 1, seed: 5);
        StepResult result = rule.Step(network.FlatPixels, network.Labels, 0);
        return [.. result.BlockLosses, result.ReadoutLoss, result.Mistakes];
    }
}
