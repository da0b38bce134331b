using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Rules;

/// <summary>The mean of many draws approaches the rule's target gradient as one over the square root of their number.</summary>
public sealed class ForwardGradientConvergenceTests
{
    private const int Draws = 32_768;

    [Theory]
    [InlineData("FG-A", BackwardScope.Readout)]
    [InlineData("FG-W", BackwardScope.Readout)]
    [InlineData("LG-FG-A", BackwardScope.LocalLossesWithinBlock)]
    [InlineData("LG-FG-W", BackwardScope.LocalLossesWithinBlock)]
    [InlineData("sparse LG-FG-A", BackwardScope.LocalLossesWithinBlock)]
    [InlineData("layer by layer", BackwardScope.LocalLossesWithinBlock)]
    public void Mean_of_many_draws_converges_to_the_gradient(string name, BackwardScope target)
    {
        // One group: by group, weight perturbation before a full-width normalisation has a known bias.
        SmallNetwork network = new(groups: name.EndsWith("LG-FG-W", StringComparison.Ordinal) ? 1 : 2);
        using WorkerTeam team = new(1);
        LearningRule rule = name switch
        {
            "FG-A" => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 11),
            "FG-W" => new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 11),
            "LG-FG-A" => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 11),
            "sparse LG-FG-A" => new ForwardGradient(new SparseNoise(), LossScope.All, 1, seed: 11),
            "layer by layer" =>
                new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 11, layerwise: true),
            _ => new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 11),
        };
        TrainingStep training = new(network.Model, rule, team);
        float[] gradient = network.Gradients(Backpropagation.ThroughWeights(target));
        double[] sum = new double[gradient.Length], squares = new double[gradient.Length];
        (double Error, double StandardError)[] after = new (double, double)[2];

        for (int draw = 1; draw <= Draws; draw++)
        {
            training.Run(network.Pixels, network.Labels, (uint)draw);
            ReadOnlySpan<float> estimate = training.Gradients.All;
            for (int i = 0; i < sum.Length; i++)
            {
                sum[i] += estimate[i];
                squares[i] += (double)estimate[i] * estimate[i];
            }

            if (draw is Draws / 16 or Draws)
            {
                after[draw == Draws ? 1 : 0] = Compare(network, gradient, sum, squares, draw);
            }
        }

        // The error is what chance leaves, early and late: nothing else keeps the mean from the gradient.
        Assert.All(after, at => Assert.InRange(at.Error, at.StandardError / 2, at.StandardError * Tolerance.MonteCarloErrorOfFew));
        Assert.InRange(after[0].StandardError / after[1].StandardError, 3, 5);
    }

    // Distance of the mean from the gradient over all weights, and the distance that chance alone explains.
    private static (double Error, double StandardError) Compare(
        SmallNetwork network, float[] gradient, double[] sum, double[] squares, int draws)
    {
        double error = 0, variance = 0;
        foreach (Parameter weight in network.Layers.Select(layer => layer.Weight))
        {
            for (int i = weight.Offset; i < weight.Offset + weight.Length; i++)
            {
                double mean = sum[i] / draws;
                error += (mean - gradient[i]) * (mean - gradient[i]);
                variance += ((squares[i] / draws) - (mean * mean)) / draws;
            }
        }

        return (Math.Sqrt(error), Math.Sqrt(variance));
    }

    // A perturbation of a user's own: +2 or -2 with a chance of a quarter, else 0.
    private sealed class SparseNoise : NoiseDistribution
    {
        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise)
        {
            uint[] bits = new uint[noise.Length];
            CounterRandom.Bits(stream, (uint)firstElement, bits);
            for (int i = 0; i < noise.Length; i++)
            {
                noise[i] = (bits[i] >> 30) > 0 ? 0 : (bits[i] & 1) == 0 ? 2 : -2;
            }
        }
    }
}
