using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Rules;

public sealed class FeedbackAlignmentTests
{
    [Theory]
    [InlineData(BackwardScope.Readout)]
    [InlineData(BackwardScope.LocalLosses)]
    [InlineData(BackwardScope.LocalLossesWithinBlock)]
    [InlineData(BackwardScope.Readout, TokenMixer.DepthwiseConvolution)]
    public void Feedback_through_the_weights_themselves_is_backprop(BackwardScope scope, TokenMixer mixer = TokenMixer.Matrix)
    {
        SmallNetwork network = new(tokenMixer: mixer);
        using WorkerTeam team = new(1);

        float[] aligned = network.Gradients(Backpropagation.ThroughFeedback(network.Model, team, scope, network.Model.Values));

        Assert.Equal(network.Gradients(Backpropagation.ThroughWeights(network.Model, team, scope)), aligned);
    }

    [Fact]
    public void Feedback_is_fixed_by_the_seed_and_stays_when_weights_change()
    {
        SmallNetwork network = new();
        using WorkerTeam team = new(1);
        Backpropagation rule = Backpropagation.ThroughRandomFeedback(network.Model, team, BackwardScope.Readout, seed: 3);
        Backpropagation again = Backpropagation.ThroughRandomFeedback(network.Model, team, BackwardScope.Readout, seed: 3);
        Backpropagation other = Backpropagation.ThroughRandomFeedback(network.Model, team, BackwardScope.Readout, seed: 4);
        float[] first = network.Gradients(rule);
        Assert.Equal(first, network.Gradients(again));
        Assert.NotEqual(first, network.Gradients(other));

        // The readout's weights no longer carry the error: turning them round with the logits kept leaves the trunk alone.
        Parameter bias = network.Model.Readout.Bias;
        network.Model.Values[bias][0] += 1;
        Assert.Equal(network.Gradients(again), network.Gradients(rule));
        Assert.NotEqual(first, network.Gradients(rule));
    }

    [Fact]
    public void Direct_feedback_through_the_readout_is_backprop_in_the_last_layer()
    {
        SmallNetwork network = new(Normalizations.All & ~Normalizations.Last);
        using WorkerTeam team = new(2);
        LinearHead readout = network.Model.Readout;
        float[] transposed = new float[readout.Outputs * readout.Features];
        for (int d = 0; d < readout.Features; d++)
        {
            for (int k = 0; k < readout.Outputs; k++)
            {
                transposed[(k * readout.Features) + d] = network.Model.Values[readout.Weight][(d * readout.Outputs) + k];
            }
        }

        DirectFeedbackAlignment rule = new(network.Model, team, [.. network.Layers.Select(_ => transposed)]);

        float[] gradients = network.Gradients(rule), expected = network.Gradients(
            Backpropagation.ThroughWeights(network.Model, team, BackwardScope.Readout));
        Parameter last = network.Layers.Last().Weight;
        Tolerance.Near(expected.AsSpan(last.Offset, last.Length), gradients.AsSpan(last.Offset, last.Length), Tolerance.Network, last.Name);
    }

    [Theory]
    [InlineData(TokenMixer.Matrix)]
    [InlineData(TokenMixer.DepthwiseConvolution)]
    public void Direct_feedback_reaches_every_layer_and_is_fixed_by_the_seed(TokenMixer mixer)
    {
        SmallNetwork network = new(tokenMixer: mixer);
        using WorkerTeam team = new(1);

        float[] first = network.Gradients(new DirectFeedbackAlignment(network.Model, team, seed: 3));

        Assert.Equal(first, network.Gradients(new DirectFeedbackAlignment(network.Model, team, seed: 3)));
        Assert.NotEqual(first, network.Gradients(new DirectFeedbackAlignment(network.Model, team, seed: 4)));
        Assert.All(network.Layers, layer => Assert.NotEqual(0, Tolerance.Norm(first.AsSpan(layer.Weight.Offset, layer.Weight.Length))));
    }
}
