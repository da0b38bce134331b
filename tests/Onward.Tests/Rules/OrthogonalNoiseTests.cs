using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Rules;

public sealed class OrthogonalNoiseTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    [InlineData(1, 1, true)]
    [InlineData(2, 1, true)]
    public void As_many_directions_as_numbers_meet_in_a_loss_make_the_estimate_exact(int groups, int multiple, bool layerwise = false)
    {
        // 8 channels: with G groups, 8 / G numbers of each of the two layers meet in each loss of the only block.
        Network model = Network(groups);
        int passes = multiple * (layerwise ? 1 : 2) * 8 / groups;
        using WorkerTeam team = new(2);
        float[] pixels = new float[5 * 36];
        CounterRandom.Normals(new RandomStream(3, RandomPurpose.Data), 0, pixels);
        int[] labels = [0, 2, 1, 1, 0];
        TrainingStep training = new(
            model,
            new ForwardGradient(NoiseDistribution.Orthogonal, LossScope.All, passes, seed: 9, layerwise: layerwise),
            team);
        TrainingStep exact = new(model, Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock), team);

        training.Run(pixels, labels, 4);
        exact.Run(pixels, labels, 4);

        foreach (NetworkLayer layer in model.Blocks[0].Layers)
        {
            Tolerance.Near(exact.Gradients[layer.Weight], training.Gradients[layer.Weight], Tolerance.Network, layer.Weight.Name);
            Tolerance.Near(exact.Gradients[layer.Bias], training.Gradients[layer.Bias], Tolerance.Network, layer.Bias.Name);
        }
    }

    [Fact]
    public void A_rule_refuses_noise_that_cannot_be_orthogonal_when_it_is_made()
    {
        NoiseDistribution noise = NoiseDistribution.Orthogonal;
        ArgumentException passes = Assert.Throws<ArgumentException>(
            () => new ForwardGradient(noise, LossScope.All, 6, seed: 1));
        ArgumentException weights = Assert.Throws<ArgumentException>(
            () => new WeightForwardGradient(noise, LossScope.All, 6, seed: 1));

        Assert.StartsWith("Orthogonal directions come in sets of a power of two; got 6 passes.", passes.Message);
        Assert.Equal(passes.Message, weights.Message);
    }

    private static Network Network(int groups)
    {
        Network model = LocalMixer.Build(
            new LocalMixerOptions
            {
                Blocks = 1,
                PatchesPerSide = 2,
                Channels = 8,
                Groups = groups,
                ImageSide = 6,
                ImageChannels = 1,
                Classes = 3,
            });
        CounterRandom.Normals(new RandomStream(6, RandomPurpose.Initialization), 0, model.Values.All);
        TensorPrimitives.Multiply(model.Values.All, 0.5f, model.Values.All);
        return model;
    }
}
