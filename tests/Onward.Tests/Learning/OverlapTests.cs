using Onward.Learning;
using Onward.Models;
using Onward.Tests.Oracle;
using Onward.Threads;

namespace Onward.Tests.Learning;

/// <summary>Blocks that learn from their own loss and from the next block's.</summary>
public sealed class OverlapTests
{
    private static readonly TrainingLoss Overlapping = new() { Overlap = true };

    // Differences of values know of no stopped gradients, so the two losses that a block learns from are named.
    [Theory]
    [InlineData("all normalisations")]
    [InlineData("no normalisation")]
    [InlineData("convolution")]
    public void Gradients_of_local_backprop_are_central_differences_of_the_two_losses(string name)
    {
        TinyNetwork network = TinyNetwork.Create(name);
        using WorkerTeam team = new(2);
        Backpropagation rule = Backpropagation.ThroughWeights(network.Model, team, BackwardScope.LocalLossesWithinBlock, loss: Overlapping);

        rule.Step(network.FlatPixels, network.Labels, 0);

        foreach (MixerBlock block in network.Model.Blocks)
        {
            bool last = block.Index == network.Model.Blocks.Count - 1;
            foreach (Parameter weight in block.Layers.Select(layer => layer.Weight))
            {
                double[] expected = NaiveGradients.CentralDifferences(
                    network, weight, sweep => sweep.Blocks[block.Index].MeanLoss + (last ? 0 : sweep.Blocks[block.Index + 1].MeanLoss));
                Tolerance.Near(expected, rule.Gradients[weight], Tolerance.Network, weight.Name);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_last_block_and_all_heads_learn_as_without_overlap(bool backprop)
    {
        TinyNetwork network = TinyNetwork.Create("all normalisations");
        using WorkerTeam team = new(2);
        LearningRule Rule(TrainingLoss loss) => backprop
            ? Backpropagation.ThroughWeights(network.Model, team, BackwardScope.LocalLossesWithinBlock, loss: loss)
            : new ForwardGradient(network.Model, team, NoiseDistribution.Gaussian, LossScope.All, 1, seed: 4, loss: loss);
        LearningRule apart = Rule(new TrainingLoss()), overlapping = Rule(Overlapping);

        apart.Step(network.FlatPixels, network.Labels, 0);
        overlapping.Step(network.FlatPixels, network.Labels, 0);

        IEnumerable<Parameter> last = network.Model.Blocks[^1].Layers.SelectMany(layer => new[] { layer.Weight, layer.Bias });
        foreach (Parameter parameter in last.Concat(network.Model.Heads.SelectMany(head => new[] { head.Weight, head.Bias })))
        {
            Tolerance.Same(apart.Gradients[parameter], overlapping.Gradients[parameter], parameter.Name);
        }

        Parameter earlier = network.Model.Blocks[0].Layers[0].Weight;
        Assert.NotEqual(apart.Gradients[earlier].ToArray(), overlapping.Gradients[earlier].ToArray());
        Assert.True(overlapping.MatrixFlopsPerExample > apart.MatrixFlopsPerExample);
    }

    // Without the noise of the other layers, fewer numbers meet in one loss.
    [Fact]
    public void Estimates_layer_by_layer_scatter_less()
    {
        TinyNetwork network = TinyNetwork.Create(LocalMixerPresets.Get("M/8/16", imageSide: 16, imageChannels: 1, classes: 3) with { Blocks = 2, Channels = 64, Groups = 8 }, 4);
        using WorkerTeam team = new(2);
        Backpropagation exact = Backpropagation.ThroughWeights(network.Model, team, BackwardScope.LocalLossesWithinBlock);
        exact.Step(network.FlatPixels, network.Labels, 0);

        double together = Scatter(layerwise: false), apart = Scatter(layerwise: true);

        // 2 C + D numbers against C or D: a fifth for the channel and group layers, if all units were alike.
        Assert.True(apart < together / 2, $"{apart} is not below half of {together}");

        double Scatter(bool layerwise)
        {
            ForwardGradient rule = new(network.Model, team, NoiseDistribution.Gaussian, LossScope.All, 1, seed: 4, layerwise: layerwise);
            double sum = 0;
            for (uint step = 0; step < 20; step++)
            {
                rule.Step(network.FlatPixels, network.Labels, step);
                foreach (Parameter weight in network.Model.Blocks[1].Layers.Skip(1).Select(layer => layer.Weight))
                {
                    double error = System.Numerics.Tensors.TensorPrimitives.Distance<float>(exact.Gradients[weight], rule.Gradients[weight]);
                    sum += error * error;
                }
            }

            return sum;
        }
    }

    [Fact]
    public void A_global_loss_takes_neither_overlap_nor_layers_one_at_a_time()
    {
        TinyNetwork network = TinyNetwork.Create("one group");
        using WorkerTeam team = new(1);

        Assert.Throws<ArgumentException>(() => Backpropagation.ThroughWeights(network.Model, team, BackwardScope.Readout, loss: Overlapping));
        Assert.Throws<ArgumentException>(() => Backpropagation.ThroughWeights(network.Model, team, BackwardScope.LocalLosses, loss: Overlapping));
        Assert.Throws<ArgumentException>(() => new ForwardGradient(network.Model, team, NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 1, loss: Overlapping));
        Assert.Throws<ArgumentException>(() => new WeightForwardGradient(network.Model, team, NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 1, loss: Overlapping));
        Assert.Throws<ArgumentException>(() => new ForwardGradient(network.Model, team, NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 1, layerwise: true));
    }
}
