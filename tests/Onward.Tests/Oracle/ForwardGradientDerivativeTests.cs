using Onward.Engine;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Tests.Oracle;

/// <summary>Losses and directional derivatives of the fused local losses against those of naive replicas.</summary>
public sealed class ForwardGradientDerivativeTests
{
    public static TheoryData<string> Networks => [.. TinyNetwork.Names];

    [Theory]
    [MemberData(nameof(Networks))]
    public void Losses_are_those_of_the_naive_replicas(string name)
    {
        TinyNetwork network = TinyNetwork.Create(name);
        using OneStep step = new(network, NoiseDistribution.Gaussian);

        StepResult result = step.Run();

        NaiveSweep sweep = new NaiveLocalMixer(network).Run(network.Pixels, network.Labels);
        float[] expected = [.. sweep.Blocks.Select(block => (float)block.MeanLoss.Value), (float)sweep.ReadoutLoss.Value];
        float[] actual = [.. result.BlockLosses.Select(loss => (float)loss), (float)result.ReadoutLoss];
        Tolerance.Near(expected, actual, Tolerance.Network, "losses");
    }

    // The oracle sweeps once through the whole network, where Onward goes block by block.
    [Theory]
    [MemberData(nameof(Networks))]
    public void Derivatives_of_every_block_patch_and_group_are_those_of_one_sweep_through_naive_replicas(string name)
    {
        TinyNetwork network = TinyNetwork.Create(name);
        using OneStep step = new(network, NoiseDistribution.Gaussian);

        step.Run();

        double[][][][] noise = network.Noise(NoiseDistribution.Gaussian, OneStep.Seed, OneStep.Number, 0);
        NaiveSweep sweep = new NaiveLocalMixer(network).Run(network.Pixels, network.Labels, noise);
        Assert.All(sweep.Blocks, (block, k) => Tolerance.Near(block.Derivatives, step.Derivatives[k], Tolerance.Network, $"block {k}"));
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Head_gradients_are_central_differences_of_the_naive_loss(string name)
    {
        TinyNetwork network = TinyNetwork.Create(name);
        using OneStep step = new(network, NoiseDistribution.Gaussian);

        step.Run();

        foreach (NetworkBlock block in network.Model.Blocks)
        {
            RequireHead(block.Head, sweep => sweep.Blocks[block.Index].MeanLoss);
        }

        RequireHead(network.Model.FinalHead, sweep => sweep.ReadoutLoss);

        void RequireHead(LinearHead head, Func<NaiveSweep, Dual> loss)
        {
            foreach (Parameter parameter in new[] { head.Weight, head.Bias })
            {
                // Differences would move the keys of a contrastive loss too, which are constants.
                double[] expected = network.Model.IsSelfSupervised
                    ? NaiveGradients.Exact(network, parameter, loss)
                    : NaiveGradients.CentralDifferences(network, parameter, loss);
                Tolerance.Near(expected, step.Gradient(parameter), Tolerance.Network, parameter.Name);
            }
        }
    }

    // Two ways to the gradient that forward gradients estimate: the sum of all replicas, and the mean loss of the batch.
    [Fact]
    public void Sum_of_naive_replicas_has_the_gradient_of_the_mean_loss()
    {
        TinyNetwork network = TinyNetwork.Create("all normalisations");
        foreach (NetworkBlock block in network.Model.Blocks)
        {
            foreach (Parameter parameter in block.Layers.Select(layer => layer.Weight))
            {
                double[] expected = NaiveGradients.CentralDifferences(network, parameter, sweep => sweep.Blocks[block.Index].MeanLoss);
                double[] actual = NaiveGradients.Exact(network, parameter, sweep => sweep.Blocks[block.Index].SumOfReplicas);
                Tolerance.Near(expected, actual, Tolerance.Difference, parameter.Name);
            }
        }
    }

    [Theory]
    [InlineData("all normalisations", "channel")]
    [InlineData("all normalisations", "group")]
    [InlineData("narrowing to the largest", "channel")]
    [InlineData("scaled convolution", "channel")]
    [InlineData("widening", "group")]
    public void Noise_on_one_patch_and_group_of_a_layer_changes_that_replica_alone(string name, string kind)
    {
        TinyNetwork network = TinyNetwork.Create(name);
        foreach ((NetworkBlock block, NetworkLayer layer) in Layers(network.Model, kind))
        {
            for (int element = 0; element < block.Patches * block.Channels; element += block.ChannelsPerGroup)
            {
                using OneStep step = new(network, new NoiseAt(layer.Index, element, block.ChannelsPerGroup));

                step.Run();

                int replica = element / block.ChannelsPerGroup;
                RequireDerivatives(step, block, place => place % (block.Patches * block.Groups) == replica);
            }
        }
    }

    [Theory]
    [InlineData("all normalisations", "token")]
    [InlineData("convolution", "conv")]
    [InlineData("narrowing", "token")]
    [InlineData("scaled convolution", "conv")]
    public void Noise_on_one_patch_of_a_layer_that_mixes_patches_changes_the_replicas_of_that_patch_alone(string name, string kind)
    {
        TinyNetwork network = TinyNetwork.Create(name);
        foreach ((NetworkBlock block, NetworkLayer layer) in Layers(network.Model, kind))
        {
            for (int patch = 0; patch < block.Patches; patch++)
            {
                using OneStep step = new(network, new NoiseAt(layer.Index, patch * layer.Map.Outputs, layer.Map.Outputs));

                step.Run();

                RequireDerivatives(step, block, place => place / block.Groups % block.Patches == patch);
            }
        }
    }

    private static IEnumerable<(NetworkBlock Block, NetworkLayer Layer)> Layers(Network model, string kind) =>
        from block in model.Blocks
        from layer in block.Layers
        where layer.Weight.Name.Contains($".{kind}.", StringComparison.Ordinal)
        select (block, layer);

    // Exactly 0 wherever the noise must not reach, in this block and in all others; something where it may.
    private static void RequireDerivatives(OneStep step, NetworkBlock block, Func<int, bool> reached)
    {
        for (int k = 0; k < step.Derivatives.Length; k++)
        {
            float[] derivatives = step.Derivatives[k];
            Assert.All(
                derivatives,
                (derivative, place) => Assert.True(
                    derivative == 0 || (k == block.Index && reached(place)), $"block {k}, replica {place}: {derivative}"));
        }

        Assert.Contains(step.Derivatives[block.Index], derivative => derivative != 0);
    }

    // Normal noise on some consecutive elements of one layer, none elsewhere.
    private sealed class NoiseAt(int layer, int first, int count) : NoiseDistribution
    {
        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise)
        {
            Gaussian.Draw(stream, firstElement, noise);
            for (int i = 0; i < noise.Length; i++)
            {
                bool here = stream.Layer == layer && firstElement + i >= first && firstElement + i < first + count;
                noise[i] = here ? noise[i] : 0;
            }
        }
    }
}
