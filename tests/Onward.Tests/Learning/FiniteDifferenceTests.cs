using Onward.Layers;
using Onward.Learning;
using Onward.Models;
using Onward.Threads;

namespace Onward.Tests.Learning;

public sealed class FiniteDifferenceTests
{
    // With some seeds the step takes a unit across 0, whose ReLU then bends the difference by more than these tests allow.
    private const ulong Seed = 1;

    // Two groups under normalisation bend the network of the convolution too much for the step, so it has one, or goes without.
    [Theory]
    [InlineData(LossScope.Global, Normalizations.All)]
    [InlineData(LossScope.All, Normalizations.All)]
    [InlineData(LossScope.Block | LossScope.Patch, Normalizations.All)]
    [InlineData(LossScope.All, Normalizations.None)]
    [InlineData(LossScope.Global, Normalizations.All, TokenMixer.DepthwiseConvolution, 1)]
    [InlineData(LossScope.All, Normalizations.All, TokenMixer.DepthwiseConvolution, 1)]
    [InlineData(LossScope.Global, Normalizations.None, TokenMixer.DepthwiseConvolution)]
    [InlineData(LossScope.All, Normalizations.None, TokenMixer.DepthwiseConvolution)]
    public void Estimates_are_those_of_exact_tangents_up_to_the_step(LossScope scope, Normalizations normalizations, TokenMixer mixer = TokenMixer.Matrix, int groups = 2)
    {
        SmallNetwork network = new(normalizations, groups, tokenMixer: mixer);
        using WorkerTeam team = new(2);
        ForwardGradient exact = new(network.Model, team, NoiseDistribution.Gaussian, scope, 2, seed: Seed);
        ForwardGradient difference = new(network.Model, team, NoiseDistribution.Gaussian, scope, 2, seed: Seed, Differentiation.FiniteDifference);

        RequireNear(network, exact, difference);
    }

    [Theory]
    [InlineData(LossScope.Global, false, PatchPooling.Average)]
    [InlineData(LossScope.Global, false, PatchPooling.Maximum)]
    [InlineData(LossScope.All, false, PatchPooling.Average)]
    [InlineData(LossScope.Block, true, PatchPooling.Average)]
    public void Estimates_in_a_scaled_network_are_those_of_exact_tangents_too(LossScope scope, bool overlap, PatchPooling pooling)
    {
        SmallNetwork network = new(Normalizations.None, groups: 1, scaled: pooling);
        TrainingLoss loss = new() { Overlap = overlap };
        using WorkerTeam team = new(2);
        ForwardGradient Activities(Differentiation differentiation) => new(network.Model, team, NoiseDistribution.Gaussian, scope, 2, seed: Seed, differentiation, loss);
        WeightForwardGradient Weights(Differentiation differentiation) => new(network.Model, team, NoiseDistribution.Gaussian, scope, 2, seed: Seed, differentiation, loss);

        RequireNear(network, Activities(Differentiation.Tangent), Activities(Differentiation.FiniteDifference));
        RequireNear(network, Weights(Differentiation.Tangent), Weights(Differentiation.FiniteDifference));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Estimates_layer_by_layer_or_with_overlapping_blocks_are_those_of_exact_tangents_too(bool layerwise, bool overlap)
    {
        SmallNetwork network = new();
        TrainingLoss loss = new() { Overlap = overlap };
        using WorkerTeam team = new(2);
        ForwardGradient Rule(Differentiation differentiation) => new(network.Model, team, NoiseDistribution.Gaussian, LossScope.All, 2, seed: Seed, differentiation, loss, layerwise);

        RequireNear(network, Rule(Differentiation.Tangent), Rule(Differentiation.FiniteDifference));
    }

    [Theory]
    [InlineData(LossScope.Global, false)]
    [InlineData(LossScope.All, false)]
    [InlineData(LossScope.Block, true)]
    public void Estimates_from_moved_weights_are_those_of_exact_tangents_up_to_the_step(LossScope scope, bool overlap)
    {
        SmallNetwork network = new();
        TrainingLoss loss = new() { Overlap = overlap };
        using WorkerTeam team = new(2);
        WeightForwardGradient Rule(Differentiation differentiation) => new(network.Model, team, NoiseDistribution.Gaussian, scope, 2, seed: Seed, differentiation, loss);

        RequireNear(network, Rule(Differentiation.Tangent), Rule(Differentiation.FiniteDifference));
    }

    // Moved weights multiply the input of a block too, which no tangent of local losses does.
    [Fact]
    public void Products_of_moved_weights_are_counted()
    {
        SmallNetwork network = new();
        using WorkerTeam team = new(1);
        double Products(Differentiation differentiation) =>
            new WeightForwardGradient(network.Model, team, NoiseDistribution.Gaussian, LossScope.All, 3, seed: Seed, differentiation).MatrixFlopsPerExample;

        double first = network.Model.Blocks.Sum(block => block.Layers[0].Map.MultiplyAddsPerRow);

        Assert.Equal(3 * 2.0 * network.Model.Options.Patches * first, Products(Differentiation.FiniteDifference) - Products(Differentiation.Tangent));
    }

    private static void RequireNear(SmallNetwork network, LearningRule exact, LearningRule difference)
    {
        float[] expected = network.Gradients(exact), actual = network.Gradients(difference);

        foreach (MixerLayer layer in network.Layers)
        {
            Parameter weight = layer.Weight;
            Tolerance.Near(expected.AsSpan(weight.Offset, weight.Length), actual.AsSpan(weight.Offset, weight.Length), Tolerance.FiniteStep, weight.Name);
        }
    }
}
