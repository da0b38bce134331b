using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Tests.Oracle;
using Onward.Threads;

namespace Onward.Tests.Rules;

/// <summary>Forward gradients whose layers are perturbed one at a time.</summary>
public sealed class LayerwiseTests
{
    // Without the noise of the other layers, fewer numbers meet in one loss.
    [Fact]
    public void Estimates_layer_by_layer_scatter_less()
    {
        TinyNetwork network = TinyNetwork.Create(
            LocalMixerPresets.Get("M/8/16", imageSide: 16, imageChannels: 1, classes: 3) with { Blocks = 2, Channels = 64, Groups = 8 },
            4);
        using WorkerTeam team = new(2);
        TrainingStep exact = new(network.Model, Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock), team);
        exact.Run(network.FlatPixels, network.Labels, 0);

        double together = Scatter(layerwise: false), apart = Scatter(layerwise: true);

        // 2 C + D numbers against C or D: a fifth for the channel and group layers, if all units were alike.
        Assert.True(apart < together / 2, $"{apart} is not below half of {together}");

        double Scatter(bool layerwise)
        {
            TrainingStep training = new(
                network.Model,
                new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 4, layerwise: layerwise),
                team);
            double sum = 0;
            for (uint step = 0; step < 20; step++)
            {
                training.Run(network.FlatPixels, network.Labels, step);
                foreach (Parameter weight in network.Model.Blocks[1].Layers.Skip(1).Select(layer => layer.Weight))
                {
                    double error = TensorPrimitives.Distance<float>(exact.Gradients[weight], training.Gradients[weight]);
                    sum += error * error;
                }
            }

            return sum;
        }
    }

    [Fact]
    public void A_global_loss_does_not_take_layers_one_at_a_time()
    {
        Assert.Throws<ArgumentException>(
            () => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 1, layerwise: true));
    }
}
