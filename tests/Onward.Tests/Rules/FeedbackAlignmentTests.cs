using Onward.Engine;
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

        float[] aligned = network.Gradients(Backpropagation.ThroughFeedback(scope, network.Model.Values));

        Assert.Equal(network.Gradients(Backpropagation.ThroughWeights(scope)), aligned);
    }

    [Fact]
    public void Feedback_is_fixed_by_the_seed_and_stays_when_weights_change()
    {
        SmallNetwork network = new();
        using WorkerTeam team = new(1);
        TrainingStep training = new(network.Model, Backpropagation.ThroughRandomFeedback(BackwardScope.Readout, seed: 3), team);
        TrainingStep again = new(network.Model, Backpropagation.ThroughRandomFeedback(BackwardScope.Readout, seed: 3), team);
        TrainingStep other = new(network.Model, Backpropagation.ThroughRandomFeedback(BackwardScope.Readout, seed: 4), team);
        float[] first = network.Gradients(training);
        Assert.Equal(first, network.Gradients(again));
        Assert.NotEqual(first, network.Gradients(other));

        // The readout's weights no longer carry the error: turning them round with the logits kept leaves the trunk alone.
        Parameter bias = network.Model.Readout.Bias;
        network.Model.Values[bias][0] += 1;
        Assert.Equal(network.Gradients(again), network.Gradients(training));
        Assert.NotEqual(first, network.Gradients(training));
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

        TrainingStep training = new(network.Model, new DirectFeedbackAlignment([.. network.Layers.Select(_ => transposed)]), team);

        float[] gradients = network.Gradients(training), expected = network.Gradients(
            Backpropagation.ThroughWeights(BackwardScope.Readout));
        Parameter last = network.Layers.Last().Weight;
        Tolerance.Near(expected.AsSpan(last.Offset, last.Length), gradients.AsSpan(last.Offset, last.Length), Tolerance.Network, last.Name);
    }

    [Theory]
    [InlineData(TokenMixer.Matrix)]
    [InlineData(TokenMixer.DepthwiseConvolution)]
    public void Direct_feedback_reaches_every_layer_and_is_fixed_by_the_seed(TokenMixer mixer)
    {
        SmallNetwork network = new(tokenMixer: mixer);

        float[] first = network.Gradients(new DirectFeedbackAlignment(seed: 3));

        Assert.Equal(first, network.Gradients(new DirectFeedbackAlignment(seed: 3)));
        Assert.NotEqual(first, network.Gradients(new DirectFeedbackAlignment(seed: 4)));
        Assert.All(network.Layers, layer => Assert.NotEqual(0, Tolerance.Norm(first.AsSpan(layer.Weight.Offset, layer.Weight.Length))));
    }
}
