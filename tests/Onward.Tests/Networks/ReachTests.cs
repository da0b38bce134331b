using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Networks;

/// <summary>The declared reach of random networks, and estimates that rely on it.</summary>
public sealed class ReachTests
{
    private const int Images = 2;

    public static TheoryData<int> Tens => [.. Enumerable.Range(0, 24)];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1000, 20)];

    // Moves one number at a noise site and sees which losses of which positions and groups change.
    [Theory]
    [MemberData(nameof(Tens))]
    public void No_number_changes_a_loss_out_of_its_reach(int ten)
    {
        for (int seed = 10 * ten; seed < (10 * ten) + 10; seed++)
        {
            (Network model, float[] pixels, int[] labels) = Draw(seed);
            using WorkerTeam team = new(1);
            foreach (NetworkBlock block in model.Blocks)
            {
                foreach (NetworkLayer layer in block.Layers)
                {
                    float[] derivatives = new float[Images * block.Patches * block.Groups];
                    ForwardGradient rule = new(new UnitNoise(layer.Index), LossScope.All, passes: 1, seed: 1)
                    {
                        DerivativesTaken = (tile, _, taken) =>
                        {
                            if (tile.Block.Index == block.Index)
                            {
                                taken.Span.CopyTo(derivatives.AsSpan(tile.FirstExample * block.Patches * block.Groups));
                            }
                        },
                    };
                    TrainingStep training = new(model, rule, team);
                    for (int element = 0; element < layer.Positions * layer.Map.Outputs; element++)
                    {
                        training.Run(pixels, labels, (uint)element);
                        RequireReach(block, layer, element, derivatives, seed);
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Tens))]
    public void Estimates_along_unit_noise_add_up_to_the_gradient_of_random_networks(int ten)
    {
        for (int seed = 10 * ten; seed < (10 * ten) + 10; seed++)
        {
            (Network model, float[] pixels, int[] labels) = Draw(seed);
            using WorkerTeam team = new(1);
            TrainingStep exact = new(model, Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock), team);
            exact.Run(pixels, labels, step: 0);
            foreach (NetworkLayer layer in model.Blocks.SelectMany(block => block.Layers))
            {
                TrainingStep training = new(
                    model,
                    new ForwardGradient(new UnitNoise(layer.Index), LossScope.All, passes: 1, seed: 1),
                    team);
                double[] sum = new double[layer.Weight.Length];
                double squares = 0;
                for (int element = 0; element < layer.Positions * layer.Map.Outputs; element++)
                {
                    training.Run(pixels, labels, (uint)element);
                    Numbers.Add(training.Gradients[layer.Weight], sum);
                    squares += Math.Pow(Tolerance.Norm(training.Gradients[layer.Weight]), 2);
                }

                double[] gradient = Numbers.Widen(exact.Gradients[layer.Weight].ToArray());
                // The terms are rounded, and they may cancel.
                Tolerance.Near(gradient, sum, Tolerance.Network, $"network {seed}, {layer.Weight.Name}", Smallest + Math.Sqrt(squares));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Mean_of_many_estimates_nears_the_gradient_as_one_over_the_root_of_their_number(int seed)
    {
        const int Draws = 4096;
        (Network model, float[] pixels, int[] labels) = Draw(seed);
        using WorkerTeam team = new(1);
        TrainingStep exact = new(model, Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock), team);
        exact.Run(pixels, labels, step: 0);
        LearningRule[] rules =
        [
            new ForwardGradient(NoiseDistribution.Rademacher, LossScope.All, passes: 1, seed: 1),
            new WeightForwardGradient(NoiseDistribution.Rademacher, LossScope.All, 1, seed: 1, credit: WeightCredit.Reach),
        ];
        Parameter[] weights = [.. model.Blocks.SelectMany(block => block.Layers).Select(layer => layer.Weight)];
        foreach (LearningRule rule in rules)
        {
            TrainingStep training = new(model, rule, team);
            double[][] sums = [.. weights.Select(weight => new double[weight.Length])];
            double squares = 0;
            for (uint step = 0; step < Draws; step++)
            {
                training.Run(pixels, labels, step);
                for (int i = 0; i < weights.Length; i++)
                {
                    Numbers.Add(training.Gradients[weights[i]], sums[i]);
                    squares += Math.Pow(Tolerance.Norm(training.Gradients[weights[i]]), 2);
                }
            }

            double error = 0, norm = 0;
            for (int i = 0; i < weights.Length; i++)
            {
                ReadOnlySpan<float> gradient = exact.Gradients[weights[i]];
                norm += Math.Pow(Tolerance.Norm(gradient), 2);
                for (int j = 0; j < gradient.Length; j++)
                {
                    error += Math.Pow((sums[i][j] / Draws) - gradient[j], 2);
                }
            }

            // The error of a mean of independent draws, and rounding.
            double expected = Math.Max(0, (squares / Draws) - norm) / Draws;
            Assert.True(
                Math.Sqrt(error) <=
                    (Tolerance.MonteCarloErrorOfUnits * Math.Sqrt(expected)) + (Tolerance.Network * Math.Sqrt(norm)) + Smallest,
                $"{rule.GetType().Name} of network {seed}: error {Math.Sqrt(error):E2}, standard error {Math.Sqrt(expected):E2}");
        }
    }

    // Gradients of dead units are 0 but for rounding.
    private const double Smallest = 1e-6;

    private static (Network Model, float[] Pixels, int[] Labels) Draw(int seed)
    {
        Network model = RandomNetworks.Create(seed);
        AnyNetwork.DrawParameters(model, (ulong)seed);
        float[] pixels = new float[Images * model.Input.Length];
        CounterRandom.Normals(new RandomStream((ulong)seed, RandomPurpose.Data), 0, pixels);
        return (model, pixels, [seed % 3, (seed + 1) % 3]);
    }

    private static void RequireReach(NetworkBlock block, NetworkLayer layer, int element, float[] derivatives, int seed)
    {
        int position = element / layer.Map.Outputs, channel = element % layer.Map.Outputs, width = block.Output.Width;
        (Range rows, Range columns) = layer.ReachOf(position);
        for (int i = 0; i < derivatives.Length; i++)
        {
            int group = i % block.Groups, place = i / block.Groups % block.Patches;
            bool near = IsIn(rows, place / width) && IsIn(columns, place % width);
            bool own = layer.ReachesAllGroups || group == channel / block.ChannelsPerGroup;
            Assert.True(
                derivatives[i] == 0 || (near && own),
                $"network {seed}: number {element} of {layer.Weight.Name} changes group {group} of position {place}");
        }
    }
    private static bool IsIn(Range range, int place) => range.Start.Value <= place && place < range.End.Value;
}
