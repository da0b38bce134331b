using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Oracle;

/// <summary>The gradients of one step against an assembly in float64 from the oracle's derivatives.</summary>
public sealed class ForwardGradientEstimateTests
{
    public static MatrixTheoryData<string, string, LossScope, int> Cases => new(
        TinyNetwork.Names,
        ["Gaussian", "Rademacher"],
        [LossScope.Block, LossScope.Block | LossScope.Patch, LossScope.Block | LossScope.Group, LossScope.All],
        [1, 3]);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_are_those_of_the_oracle(string name, string noise, LossScope scope, int passes)
    {
        NoiseDistribution perturbation = noise == "Gaussian" ? NoiseDistribution.Gaussian : NoiseDistribution.Rademacher;

        RequireGradients(TinyNetwork.Create(name), perturbation, scope, passes);
    }

    // A wave holds 512 rows [example, patch].
    [Theory]
    [InlineData("one patch", 600)]
    [InlineData("all normalisations", 140)]
    public void Gradients_of_a_batch_of_several_waves_are_those_of_the_oracle(string name, int examples) =>
        RequireGradients(TinyNetwork.Create(name, examples), NoiseDistribution.Gaussian, LossScope.All, 1);

    [Fact]
    public void One_patch_and_one_group_have_the_same_gradients_in_every_scope()
    {
        TinyNetwork network = TinyNetwork.Create(LocalMixerPresets.Get("S/1/1", imageSide: 28, imageChannels: 1, classes: 10), examples: 5);
        using WorkerTeam team = new(1);

        float[] expected = Gradients(LossScope.All);

        Assert.All(
            [LossScope.Block, LossScope.Block | LossScope.Patch, LossScope.Block | LossScope.Group],
            scope => Assert.Equal(expected, Gradients(scope)));

        float[] Gradients(LossScope scope)
        {
            TrainingStep training = new(network.Model, new ForwardGradient(NoiseDistribution.Gaussian, scope, 2, seed: 1), team);
            training.Run(network.FlatPixels, network.Labels, 0);
            return training.Gradients.All.ToArray();
        }
    }

    private static void RequireGradients(TinyNetwork network, NoiseDistribution perturbation, LossScope scope, int passes)
    {
        using OneStep step = new(network, perturbation, scope, passes);

        step.Run();

        double[][][][][] directions =
        [
            .. Enumerable.Range(0, passes).Select(pass => network.Noise(perturbation, OneStep.Seed, OneStep.Number, (uint)pass)),
        ];
        Dictionary<Parameter, double[]> expected = NaiveGradients.ForwardGradient(network, scope, directions);
        foreach (NetworkLayer layer in network.Model.Blocks.SelectMany(block => block.Layers))
        {
            Tolerance.Near(expected[layer.Weight], step.Gradient(layer.Weight), Tolerance.Network, layer.Weight.Name);

            // Normalisation cancels the bias of token mixing, so its gradient is measured against the weight's.
            Tolerance.Near(
                expected[layer.Bias],
                step.Gradient(layer.Bias),
                Tolerance.Network,
                layer.Bias.Name,
                Tolerance.Norm(expected[layer.Weight]));
        }
    }
}
