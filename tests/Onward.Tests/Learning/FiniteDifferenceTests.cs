using Onward.Learning;
using Onward.Models;
using Onward.Threads;

namespace Onward.Tests.Learning;

public sealed class FiniteDifferenceTests
{
    [Theory]
    [InlineData(LossScope.Global, Normalizations.All)]
    [InlineData(LossScope.All, Normalizations.All)]
    [InlineData(LossScope.Block | LossScope.Patch, Normalizations.All)]
    [InlineData(LossScope.All, Normalizations.None)]
    public void Estimates_are_those_of_exact_tangents_up_to_the_step(LossScope scope, Normalizations normalizations)
    {
        SmallNetwork network = new(normalizations);
        using WorkerTeam team = new(2);
        ForwardGradient exact = new(network.Model, team, NoiseDistribution.Gaussian, scope, 2, seed: 3);
        ForwardGradient difference = new(network.Model, team, NoiseDistribution.Gaussian, scope, 2, seed: 3, Differentiation.FiniteDifference);

        float[] expected = network.Gradients(exact), actual = network.Gradients(difference);

        foreach (MixerLayer layer in network.Layers)
        {
            Parameter weight = layer.Weight;
            Tolerance.Near(expected.AsSpan(weight.Offset, weight.Length), actual.AsSpan(weight.Offset, weight.Length), Tolerance.FiniteStep, weight.Name);
        }
    }
}
