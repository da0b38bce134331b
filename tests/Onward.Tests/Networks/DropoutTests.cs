using Onward.Autodiff;
using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Networks;

/// <summary>
/// Dropout drops what its definition says, and gradients in training are those of the network with these factors in float64.
/// </summary>
public sealed class DropoutTests
{
    private const int Images = 5, Classes = 3, Positions = 4, Width = 6;
    private const uint Step = 9;
    private const ulong Seed = 11;
    private const double First = 0.4, Second = 0.25, Third = 0.1;

    private static readonly ExampleShape Input = new(2, 2, 3);

    private readonly float[] _pixels = Numbers.Uniform(1, Images * Input.Length);
    private readonly int[] _labels = [0, 1, 2, 0, 1];

    public static TheoryData<string> Rules => ["BP", "BP, recomputed", "LG-BP"];

    [Theory]
    [MemberData(nameof(Rules))]
    public void Gradients_are_those_of_the_network_that_is_left(string name)
    {
        Network model = Create();
        Dictionary<string, double[]> expected = Oracle(model, local: name == "LG-BP");
        foreach (int threads in new[] { 1, 2, 3 })
        {
            using WorkerTeam team = new(threads);
            TrainingStep step = new(model, Rule(name), team, seed: Seed);

            step.Run(_pixels, _labels, Step);

            foreach (Parameter parameter in model.Values.Layout.Parameters)
            {
                if (expected.TryGetValue(parameter.Name, out double[]? gradient))
                {
                    Tolerance.Near(gradient, step.Gradients[parameter].ToArray(), Tolerance.Kernel, parameter.Name);
                }
            }
        }
    }

    [Fact]
    public void The_mean_of_many_directions_is_the_exact_gradient_of_the_network_that_is_left()
    {
        Network model = Create();
        using WorkerTeam team = new(2);
        TrainingStep exact = new(model, Rule("LG-BP"), team, seed: Seed);
        exact.Run(_pixels, _labels, Step);
        ForwardGradient rule = new(NoiseDistribution.Gaussian, LossScope.All, ForwardGradient.MaximumPasses, seed: 5);
        TrainingStep noisy = new(model, rule, team, seed: Seed);

        noisy.Run(_pixels, _labels, Step);

        // One direction leaves about as much noise as there are numbers of noise in one loss, here up to 2 * 24: with 4096 directions about
        // a ninth of the norm. Another mask differs by more than the norm.
        double distance = 0, norm = 0;
        foreach (Parameter parameter in model.Values.Layout.Parameters)
        {
            foreach ((float one, float other) in exact.Gradients[parameter].ToArray().Zip(noisy.Gradients[parameter].ToArray()))
            {
                distance += (one - other) * (one - other);
                norm += one * one;
            }
        }

        Assert.InRange(Math.Sqrt(distance / norm), 0.001, 0.15);
    }

    [Fact]
    public void Predictions_drop_nothing_and_steps_and_seeds_drop_different_numbers()
    {
        Network model = Create();
        using WorkerTeam team = new(1);
        float[] Gradients(ulong seed, uint number)
        {
            TrainingStep step = new(model, Rule("BP"), team, seed: seed);
            step.Run(_pixels, _labels, number);
            return step.Gradients.All.ToArray();
        }

        float[] probabilities = new float[Classes], again = new float[Classes];
        new Predictor(model).Predict(_pixels.AsSpan(0, Input.Length), probabilities);
        new Predictor(model).Predict(_pixels.AsSpan(0, Input.Length), again);
        Assert.Equal(probabilities, again);

        Assert.Equal(Gradients(1, 1), Gradients(1, 1));
        Assert.NotEqual(Gradients(1, 1), Gradients(1, 2));
        Assert.NotEqual(Gradients(1, 1), Gradients(2, 1));
        Assert.EndsWith(", dropout seed 4", new TrainingStep(model, Rule("BP"), team, seed: 4).Description, StringComparison.Ordinal);
    }

    [Fact]
    public void The_share_of_dropped_numbers_is_p()
    {
        float[] input = Numbers.Filled(100_000, 1), output = new float[input.Length], state = new float[input.Length];

        new Dropout(First).Drop(input, output, state, new RandomStream(3, RandomPurpose.Dropout), 0);

        // The standard deviation of the share is sqrt(0.4 * 0.6 / 100,000) = 0.0015.
        Assert.InRange(output.Count(value => value == 0) / (double)output.Length, First - 0.006, First + 0.006);
        Assert.All(output, value => Assert.True(value == 0 || value == (float)(1 / (1 - First))));
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void A_chance_out_of_range_is_refused(double p) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Dropout(p));

    private static Backpropagation Rule(string name) => Backpropagation.ThroughWeights(
        name == "LG-BP" ? BackwardScope.LocalLossesWithinBlock : BackwardScope.Readout, recompute: name == "BP, recomputed");

    private static Network Create()
    {
        Network model = new(
            Input,
            [
                new(new Linear(3, Width), new LayerNorm(Width), new Dropout(First), new Relu(), new Dropout(Second)),
                new(new Residual(new Linear(Width, Width), new LayerNorm(Width), new Relu(), new Dropout(Third), new Linear(Width, Width))),
            ],
            Classes);
        AnyNetwork.DrawParameters(model, seed: 7);
        return model;
    }

    private Dictionary<string, double[]> Oracle(Network model, bool local)
    {
        Dictionary<string, System.Numerics.Tensors.Tensor<double>> parameters = model.Values.Layout.Parameters.ToDictionary(
            parameter => parameter.Name,
            parameter => System.Numerics.Tensors.Tensor.Create(
                Numbers.Widen(model.Values[parameter].ToArray()), [.. parameter.Shape.Select(size => (nint)size)]));
        GradientEstimate<double> estimate = new BackpropagationEstimator<double>().Estimate(
            parameters,
            sweep =>
            {
                IReadOnlyList<NetworkLayer> layers = [.. model.Blocks.SelectMany(block => block.Layers)];
                DualTensor<double> x = DualTensor.Constant<double>(Numbers.Widen(_pixels), Images, Positions, Input.Channels);
                x = Affine(0, x).LayerNorm(LayerNorm.DefaultEpsilon) * Mask(0, 0, First);
                x = x.Relu() * Mask(0, 1, Second);
                DualTensor<double> first = Loss(x.Mean([1]), model.Blocks[0].Head);
                x = local ? sweep.EndBlock(x, first) : x;
                DualTensor<double> inner = Affine(1, x).LayerNorm(LayerNorm.DefaultEpsilon).Relu() * Mask(1, 0, Third);
                x = Affine(2, inner) + x;
                DualTensor<double> second = Loss(x.Mean([1]), model.Blocks[1].Head);
                x = local ? sweep.EndBlock(x, second) : x;
                DualTensor<double> final = Loss((local ? x.StopGradient() : x).Mean([1]).LayerNorm(model.Settings.Epsilon), model.Readout);
                return local ? first + second + final : final;

                DualTensor<double> Affine(int l, DualTensor<double> input) =>
                    sweep.Affine(input, layers[l].Weight.Name, layers[l].Bias.Name);

                DualTensor<double> Loss(DualTensor<double> features, LinearHead head) =>
                    -sweep.Affine(features, head.Weight.Name, head.Bias.Name).LogSoftmax(-1).Pick(_labels);
            },
            step: 0);
        return estimate.Estimates.ToDictionary(pair => pair.Key, pair =>
        {
            double[] values = new double[pair.Value.FlattenedLength];
            pair.Value.FlattenTo(values);
            return values;
        });
    }

    // By the definition: element e of the example's stream lies in word (e % 64) / 16 of the block at counter 16 (e / 64) + e % 16.
    private static DualTensor<double> Mask(int block, int number, double p)
    {
        double[] mask = new double[Images * Positions * Width];
        for (int i = 0; i < mask.Length; i++)
        {
            (int image, int e) = Math.DivRem(i, Positions * Width);
            RandomStream stream = new(Seed, RandomPurpose.Dropout, Step, (uint)number, (uint)block, (uint)(2 * image));
            var words = CounterRandom.Block(stream, (uint)((16 * (e / 64)) + (e % 16)));
            uint word = ((e % 64) / 16) switch { 0 => words.Word0, 1 => words.Word1, 2 => words.Word2, _ => words.Word3 };
            mask[i] = word / 4294967296.0 < p ? 0 : 1 / (1 - p);
        }

        return DualTensor.Constant<double>(mask, Images, Positions, Width);
    }
}
