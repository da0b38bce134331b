using Onward.Engine;
using Onward.Layers;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Rules;

/// <summary>Rules and perturbations of a user's own, against gradients that are known.</summary>
public sealed class OwnRuleTests
{
    // Where nothing stands between a block's output and its head, the error sent back through the head is the whole gradient.
    [Theory]
    [InlineData(Locality.Block, PatchPooling.Average, false)]
    [InlineData(Locality.Network, PatchPooling.Average, false)]
    [InlineData(Locality.Block, PatchPooling.Maximum, true)]
    public void A_rule_that_sends_errors_back_through_the_head_has_the_gradient_of_the_last_layer(
        Locality locality, PatchPooling pooling, bool scaled)
    {
        SmallNetwork network = new(Normalizations.All & ~Normalizations.Inter, scaled: scaled ? pooling : null);
        float[] expected = network.Gradients(Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock));

        float[] actual = network.Gradients(new HeadFeedback(locality), threads: 2);

        foreach (NetworkBlock block in network.Model.Blocks)
        {
            Parameter weight = block.Layers[^1].Weight;
            Tolerance.Near(
                expected.AsSpan(weight.Offset, weight.Length), actual.AsSpan(weight.Offset, weight.Length), Tolerance.Network, weight.Name);
        }
    }

    [Fact]
    public void A_rule_counts_values_and_weight_gradients_unless_it_says_otherwise()
    {
        SmallNetwork network = new();
        using WorkerTeam team = new(1);

        Assert.Equal(
            2.0 * network.Model.Blocks.Sum(block => block.FlopsPerExample),
            new TrainingStep(network.Model, new HeadFeedback(Locality.Block), team).MatrixFlopsPerExample);
    }

    private sealed class HeadFeedback(Locality locality) : LearningRule(locality, trainsHeads: true)
    {
        protected internal override void Differentiate(ReadOnlySpan<BlockTile> tiles)
        {
            foreach (BlockTile tile in tiles)
            {
                LinearHead head = tile.Block.Head;
                float[] back = new float[tile.Examples * head.Features];
                for (int n = 0; n < tile.Examples; n++)
                {
                    for (int d = 0; d < head.Features; d++)
                    {
                        for (int k = 0; k < head.Outputs; k++)
                        {
                            float weight = Step.Network.Values.Read(head.Weight)[(d * head.Outputs) + k];
                            back[(n * head.Features) + d] += tile.Errors.Span[(n * head.Outputs) + k] * weight;
                        }
                    }
                }

                for (int l = 0; l < tile.Block.Layers.Count; l++)
                {
                    tile.Gradient(l).Clear();
                }

                int last = tile.Block.Layers.Count - 1;
                tile.Spread(back, tile.Gradient(last));
                tile.PassBackThroughActivation(last);
            }
        }
    }
}
