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
    [InlineData("narrowing")]
    [InlineData("narrowing to the largest")]
    [InlineData("widening")]
    [InlineData("scaled convolution")]
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

    public static TheoryData<string> Rules => ["LG-BP", "LG-FA", "LG-FG-A", "layer by layer", "LG-FG-W", "LG-FD-A", "LG-FD-W"];

    [Theory]
    [MemberData(nameof(Rules))]
    public void The_last_block_and_all_heads_learn_as_without_overlap(string name)
    {
        TinyNetwork network = TinyNetwork.Create("all normalisations");
        using WorkerTeam team = new(2);
        LearningRule apart = Create(name, network.Model, team, new TrainingLoss()), overlapping = Create(name, network.Model, team, Overlapping);

        apart.Step(network.FlatPixels, network.Labels, 0);
        overlapping.Step(network.FlatPixels, network.Labels, 0);

        IEnumerable<Parameter> last = network.Model.Blocks[^1].Layers.SelectMany(layer => new[] { layer.Weight, layer.Bias });
        foreach (Parameter parameter in last.Concat(network.Model.Heads.SelectMany(head => new[] { head.Weight, head.Bias })))
        {
            Tolerance.Same(apart.Gradients[parameter], overlapping.Gradients[parameter], parameter.Name);
        }

        foreach (MixerBlock block in network.Model.Blocks.SkipLast(1))
        {
            Assert.All(block.Layers, layer => Assert.NotEqual(apart.Gradients[layer.Weight].ToArray(), overlapping.Gradients[layer.Weight].ToArray()));
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void The_only_block_of_a_network_learns_as_without_overlap(string name)
    {
        TinyNetwork network = TinyNetwork.Create("one patch");
        using WorkerTeam team = new(2);
        LearningRule apart = Create(name, network.Model, team, new TrainingLoss()), overlapping = Create(name, network.Model, team, Overlapping);

        apart.Step(network.FlatPixels, network.Labels, 0);
        overlapping.Step(network.FlatPixels, network.Labels, 0);

        Tolerance.Same(apart.Gradients.All, overlapping.Gradients.All, name);
        Assert.Equal(apart.MatrixFlopsPerExample, overlapping.MatrixFlopsPerExample);
    }

    // A product more with every layer that an error or a tangent passes through on its way to or from the next block's loss.
    [Theory]
    [MemberData(nameof(Rules))]
    public void Products_on_the_way_to_the_next_loss_are_counted(string name)
    {
        LocalMixer model = TinyNetwork.Create("all normalisations").Model;
        using WorkerTeam team = new(1);
        double Products(int block, int firstLayer = 0) => 2.0 * model.Options.Patches * model.Blocks[block].Layers.Skip(firstLayer).Sum(layer => layer.Map.MultiplyAddsPerRow);
        double apart = Create(name, model, team, new TrainingLoss()).MatrixFlopsPerExample;

        double overlapping = Create(name, model, team, Overlapping).MatrixFlopsPerExample;

        // Back: the losses of blocks 1 and 2 enter through the first layers; block 1 then has an error of its own to send to
        // its earlier layers. Forward: two passes of the tangent of block 0 (of each of its two layers, if each has one)
        // through block 1, and of that of block 1 (of each of its three) through block 2.
        double expected = name switch
        {
            "LG-BP" or "LG-FA" => Products(1) - Products(1, 1) + Products(1, 1) + Products(2) - Products(2, 1),
            "layer by layer" => 2 * ((2 * Products(1)) + (3 * Products(2))),
            _ => 2 * (Products(1) + Products(2)),
        };
        Assert.Equal(expected, overlapping - apart);
    }

    // The weights themselves in place of random matrices: every rule that sends errors back goes the same way.
    [Fact]
    public void Feedback_through_the_weights_themselves_is_backprop()
    {
        TinyNetwork network = TinyNetwork.Create("all normalisations");
        using WorkerTeam team = new(1);
        Backpropagation aligned = Backpropagation.ThroughFeedback(network.Model, team, BackwardScope.LocalLossesWithinBlock, network.Model.Values, Overlapping);
        LearningRule backprop = Create("LG-BP", network.Model, team, Overlapping);

        aligned.Step(network.FlatPixels, network.Labels, 0);
        backprop.Step(network.FlatPixels, network.Labels, 0);

        Assert.Equal(backprop.Gradients.All, aligned.Gradients.All);
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

    // An error from the next block must be at hand when a block is computed again, so there is nothing to save.
    [Fact]
    public void Overlap_keeps_values_and_recomputes_none()
    {
        TinyNetwork network = TinyNetwork.Create("one group");
        using WorkerTeam team = new(1);

        Assert.Throws<ArgumentException>(() => Backpropagation.ThroughWeights(network.Model, team, BackwardScope.LocalLossesWithinBlock, recompute: true, Overlapping));
    }

    [Fact]
    public void A_global_loss_takes_neither_overlap_nor_layers_one_at_a_time()
    {
        TinyNetwork network = TinyNetwork.Create("one group");
        using WorkerTeam team = new(1);

        Assert.Throws<ArgumentException>(() => Backpropagation.ThroughWeights(network.Model, team, BackwardScope.Readout, loss: Overlapping));
        Assert.Throws<ArgumentException>(() => Backpropagation.ThroughWeights(network.Model, team, BackwardScope.LocalLosses, loss: Overlapping));
        Assert.Throws<ArgumentException>(() => new DirectFeedbackAlignment(network.Model, team, seed: 1, Overlapping));
        Assert.Throws<ArgumentException>(() => new ForwardGradient(network.Model, team, NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 1, loss: Overlapping));
        Assert.Throws<ArgumentException>(() => new WeightForwardGradient(network.Model, team, NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 1, loss: Overlapping));
        Assert.Throws<ArgumentException>(() => new ForwardGradient(network.Model, team, NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 1, layerwise: true));
    }

    private static LearningRule Create(string name, LocalMixer model, WorkerTeam team, TrainingLoss loss) => name switch
    {
        "LG-BP" => Backpropagation.ThroughWeights(model, team, BackwardScope.LocalLossesWithinBlock, loss: loss),
        "LG-FA" => Backpropagation.ThroughRandomFeedback(model, team, BackwardScope.LocalLossesWithinBlock, seed: 4, loss: loss),
        "LG-FG-W" => new WeightForwardGradient(model, team, NoiseDistribution.Gaussian, LossScope.All, 2, seed: 4, loss: loss),
        "LG-FD-W" => new WeightForwardGradient(model, team, NoiseDistribution.Gaussian, LossScope.All, 2, seed: 4, Differentiation.FiniteDifference, loss),
        "LG-FD-A" => new ForwardGradient(model, team, NoiseDistribution.Gaussian, LossScope.All, 2, seed: 4, Differentiation.FiniteDifference, loss),
        _ => new ForwardGradient(model, team, NoiseDistribution.Gaussian, LossScope.All, 2, seed: 4, loss: loss, layerwise: name == "layer by layer"),
    };
}
