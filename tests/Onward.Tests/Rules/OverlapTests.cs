using Onward.Engine;
using Onward.Models;
using Onward.Rules;
using Onward.Tests.Oracle;
using Onward.Threads;

namespace Onward.Tests.Rules;

/// <summary>Blocks that learn from their own loss and from the next block's.</summary>
public sealed class OverlapTests
{
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
        TrainingStep training = new(network.Model, Backpropagation.ThroughWeights(BackwardScope.LocalLossesOverlapping), team);

        training.Run(network.FlatPixels, network.Labels, 0);

        foreach (NetworkBlock block in network.Model.Blocks)
        {
            bool last = block.Index == network.Model.Blocks.Count - 1;
            foreach (Parameter weight in block.Layers.Select(layer => layer.Weight))
            {
                double[] expected = NaiveGradients.CentralDifferences(
                    network, weight, sweep => sweep.Blocks[block.Index].MeanLoss + (last ? 0 : sweep.Blocks[block.Index + 1].MeanLoss));
                Tolerance.Near(expected, training.Gradients[weight], Tolerance.Network, weight.Name);
            }
        }
    }

    public static TheoryData<string> Rules => ["LG-BP", "LG-FA"];

    [Theory]
    [MemberData(nameof(Rules))]
    public void The_last_block_and_all_heads_learn_as_without_overlap(string name)
    {
        TinyNetwork network = TinyNetwork.Create("all normalisations");
        using WorkerTeam team = new(2);
        TrainingStep apart = new(network.Model, Create(name, BackwardScope.LocalLossesWithinBlock), team);
        TrainingStep overlapping = new(network.Model, Create(name, BackwardScope.LocalLossesOverlapping), team);

        apart.Run(network.FlatPixels, network.Labels, 0);
        overlapping.Run(network.FlatPixels, network.Labels, 0);

        IEnumerable<Parameter> last = network.Model.Blocks[^1].Layers.SelectMany(layer => new[] { layer.Weight, layer.Bias });
        foreach (Parameter parameter in last.Concat(network.Model.Heads.SelectMany(head => new[] { head.Weight, head.Bias })))
        {
            Tolerance.Same(apart.Gradients[parameter], overlapping.Gradients[parameter], parameter.Name);
        }

        foreach (NetworkBlock block in network.Model.Blocks.SkipLast(1))
        {
            Assert.All(
                block.Layers,
                layer => Assert.NotEqual(apart.Gradients[layer.Weight].ToArray(), overlapping.Gradients[layer.Weight].ToArray()));
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void The_only_block_of_a_network_learns_as_without_overlap(string name)
    {
        TinyNetwork network = TinyNetwork.Create("one patch");
        using WorkerTeam team = new(2);
        TrainingStep apart = new(network.Model, Create(name, BackwardScope.LocalLossesWithinBlock), team);
        TrainingStep overlapping = new(network.Model, Create(name, BackwardScope.LocalLossesOverlapping), team);

        apart.Run(network.FlatPixels, network.Labels, 0);
        overlapping.Run(network.FlatPixels, network.Labels, 0);

        Tolerance.Same(apart.Gradients.All, overlapping.Gradients.All, name);
        Assert.Equal(apart.MatrixFlopsPerExample, overlapping.MatrixFlopsPerExample);
    }

    // A product more with every layer that an error passes through on its way from the next block's loss.
    [Theory]
    [MemberData(nameof(Rules))]
    public void Products_on_the_way_to_the_next_loss_are_counted(string name)
    {
        Network model = TinyNetwork.Create("all normalisations").Model;
        using WorkerTeam team = new(1);
        double Products(int block, int firstLayer = 0) =>
            2.0 * model.Mixer!.Patches * model.Blocks[block].Layers.Skip(firstLayer).Sum(layer => layer.Map.MultiplyAddsPerRow);
        double apart = new TrainingStep(model, Create(name, BackwardScope.LocalLossesWithinBlock), team).MatrixFlopsPerExample;

        double overlapping = new TrainingStep(model, Create(name, BackwardScope.LocalLossesOverlapping), team).MatrixFlopsPerExample;

        // The losses of blocks 1 and 2 enter through the first layers; block 1 then has an error of its own to send to its earlier layers.
        double expected = Products(1) - Products(1, 1) + Products(1, 1) + Products(2) - Products(2, 1);
        Assert.Equal(expected, overlapping - apart);
    }

    // The weights themselves in place of random matrices: every rule that sends errors back goes the same way.
    [Fact]
    public void Feedback_through_the_weights_themselves_is_backprop()
    {
        TinyNetwork network = TinyNetwork.Create("all normalisations");
        using WorkerTeam team = new(1);
        TrainingStep aligned = new(
            network.Model,
            Backpropagation.ThroughFeedback(BackwardScope.LocalLossesOverlapping, network.Model.Values),
            team);
        TrainingStep backprop = new(network.Model, Create("LG-BP", BackwardScope.LocalLossesOverlapping), team);

        aligned.Run(network.FlatPixels, network.Labels, 0);
        backprop.Run(network.FlatPixels, network.Labels, 0);

        Assert.Equal(backprop.Gradients.All, aligned.Gradients.All);
    }

    // An error from the next block must be at hand when a block is computed again, so there is nothing to save.
    [Fact]
    public void Overlap_keeps_values_and_recomputes_none()
    {
        Assert.Throws<ArgumentException>(
            () => Backpropagation.ThroughWeights(BackwardScope.LocalLossesOverlapping, recompute: true));
    }

    private static Backpropagation Create(string name, BackwardScope scope) => name == "LG-BP"
        ? Backpropagation.ThroughWeights(scope)
        : Backpropagation.ThroughRandomFeedback(scope, seed: 4);
}
