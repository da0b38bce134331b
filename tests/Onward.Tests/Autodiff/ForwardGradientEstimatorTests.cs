using System.Numerics;
using System.Numerics.Tensors;
using Onward.Autodiff;
using Onward.Kernels;

namespace Onward.Tests.Autodiff;

/// <summary>Estimates of a user's network: identities first, then one seeded bound.</summary>
public sealed class ForwardGradientEstimatorTests
{
    public static TheoryData<string, NoiseDistribution> Sets() => new()
    {
        { "Gaussian", NoiseDistribution.Gaussian },
        { "Rademacher", NoiseDistribution.Rademacher },
        { "orthogonal", NoiseDistribution.Orthogonal },
    };

    [Fact]
    public void Orthogonal_weight_directions_at_least_as_many_as_dimensions_give_the_exact_gradient()
    {
        WeightPerturbationEstimator<double> estimator = new(NoiseDistribution.Orthogonal, AtLeast(Mlp.Count), seed: 1);

        GradientEstimate<double> estimate = estimator.Estimate(Mlp.Parameters, Mlp.Losses, step: 0);

        RequireGradient(Mlp.Gradient(), estimate);
    }

    [Fact]
    public void Orthogonal_activity_directions_at_least_as_many_as_units_are_exact_for_one_layer()
    {
        ActivityPerturbationEstimator<double> estimator = new(NoiseDistribution.Orthogonal, passes: 4, seed: 1);
        Dictionary<string, Tensor<double>> parameters = new() { ["w"] = Draw.Normals<double>(1, [4, 3]) };
        DualTensor<double> softmax = Mlp.Points.MatMul(DualTensor.Constant(parameters["w"])).Softmax(-1);
        DualTensor<double> expected = Mlp.Points.Transpose().MatMul(softmax - DualTensor.OneHot<double>(Mlp.Labels, 3)) / 5;

        GradientEstimate<double> estimate = estimator.Estimate(
            parameters, sweep => -sweep.Affine(Mlp.Points, "w").LogSoftmax(-1).Pick(Mlp.Labels), step: 0);

        Tolerance.Near(expected.Values, Draw.Numbers(estimate.Estimates["w"]), Tolerance.Double, "w");
    }

    [Fact]
    public void Activity_estimates_over_a_basis_of_all_units_are_the_exact_gradient()
    {
        ActivityPerturbationEstimator<double> estimator = new(new Basis(16, 0, 5, 6, 3), 16, seed: 1);

        GradientEstimate<double> estimate = estimator.Estimate(Mlp.Parameters, Mlp.Losses, step: 0);

        RequireGradient(Mlp.Gradient(), estimate);
    }

    [Fact]
    public void A_parameter_read_outside_an_affine_map_is_perturbed_itself()
    {
        Dictionary<string, Tensor<double>> parameters =
            new(Mlp.Parameters) { ["gain"] = Draw.Normals<double>(7, [3]), ["unused"] = Draw.Normals<double>(8, [2]) };
        DualTensor<double> Losses(ForwardSweep<double> sweep) =>
            Mlp.Losses((x, w, b) => w == "w3" ? sweep.Affine(x, w, b) * sweep["gain"] : sweep.Affine(x, w, b));
        int weights = Mlp.Count + 5;
        WeightPerturbationEstimator<double> exact = new(NoiseDistribution.Orthogonal, AtLeast(weights), seed: 1);
        ActivityPerturbationEstimator<double> estimator = new(new Basis(121, weights, 5, 6, 3), 121, seed: 1);
        IReadOnlyDictionary<string, Tensor<double>> expected = exact.Estimate(parameters, Losses, step: 0).Estimates;

        GradientEstimate<double> estimate = estimator.Estimate(parameters, Losses, step: 0);

        Assert.Equal([0, 0], Draw.Numbers(estimate.Estimates["unused"]));
        RequireGradient(
            expected.Where(parameter => parameter.Key != "unused")
                .ToDictionary(parameter => parameter.Key, parameter => Draw.Numbers(parameter.Value)),
            estimate);
    }

    [Fact]
    public void Noise_on_many_places_of_an_example_is_credited_to_the_example()
    {
        Dictionary<string, Tensor<double>> parameters =
            new() { ["w"] = Draw.Normals<double>(1, [3, 2]), ["b"] = Draw.Normals<double>(2, [2]) };
        DualTensor<double> patches = DualTensor.Constant(Draw.Normals<double>(3, [5, 4, 3]));
        DualTensor<double> Losses(ForwardSweep<double> sweep) => sweep.Affine(patches, "w", "b").Tanh().Sum([1, 2]).Square();
        GradientEstimate<double> expected = new WeightPerturbationEstimator<double>(NoiseDistribution.Orthogonal, 8, seed: 1)
            .Estimate(parameters, Losses, step: 0);

        GradientEstimate<double> estimate = new ActivityPerturbationEstimator<double>(NoiseDistribution.Orthogonal, 8, seed: 1)
            .Estimate(parameters, Losses, step: 0);

        RequireGradient(expected.Estimates.ToDictionary(parameter => parameter.Key, parameter => Draw.Numbers(parameter.Value)), estimate);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Each_block_is_trained_on_its_own_loss_alone(bool onActivities)
    {
        DualTensor<double> hidden = null!;
        DualTensor<double> First(ForwardSweep<double> sweep) => (hidden = sweep.Affine(Mlp.Points, "w1", "b1").Tanh()).Square().Sum([-1]);
        DualTensor<double> Second(ForwardSweep<double> sweep, DualTensor<double> input) => sweep.Affine(input, "w2", "b2").Exp().Sum([-1]);
        Dictionary<string, Tensor<double>> parameters = Mlp.Parameters.Where(parameter => parameter.Key[1] < '3').ToDictionary();
        int dimension = parameters.Values.Sum(tensor => (int)tensor.FlattenedLength);
        WeightPerturbationEstimator<double> exact = new(NoiseDistribution.Orthogonal, AtLeast(dimension), seed: 1);
        GradientEstimate<double> first = exact.Estimate(parameters, First, step: 0);
        GradientEstimate<double> second = exact.Estimate(parameters, sweep => Second(sweep, hidden.StopGradient()), step: 0);
        ForwardGradientEstimator<double> estimator = onActivities
            ? new ActivityPerturbationEstimator<double>(new Basis(16, 0, 5, 6), 16, seed: 1)
            : exact;

        GradientEstimate<double> estimate = estimator.Estimate(
            parameters,
            sweep =>
            {
                DualTensor<double> loss = First(sweep);
                DualTensor<double> input = sweep.EndBlock(hidden, loss);
                Assert.Equal(0, input.Directions);
                return Second(sweep, input);
            },
            step: 0);

        RequireGradient(
            parameters.Keys.ToDictionary(name => name, name => Draw.Numbers((name[1] == '1' ? first : second).Estimates[name])), estimate);
        Assert.Equal([first.Loss, second.Loss], estimate.Losses);
        Assert.Equal(second.Loss, estimate.Loss);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Noise_of_a_block_does_not_meet_the_loss_of_another(bool onActivities)
    {
        ForwardGradientEstimator<double> estimator = onActivities
            ? new ActivityPerturbationEstimator<double>(NoiseDistribution.Gaussian, 1, seed: 1)
            : new WeightPerturbationEstimator<double>(NoiseDistribution.Gaussian, 1, seed: 1);
        double[] Estimate(string parameter, double first, double second) => Draw.Numbers(estimator.Estimate(
            Mlp.Parameters,
            sweep =>
            {
                DualTensor<double> hidden = sweep.Affine(Mlp.Points, "w1", "b1").Tanh();
                hidden = sweep.EndBlock(hidden, hidden.Sum([-1]) * first);
                return sweep.Affine(hidden, "w2", "b2").Square().Sum([-1]) * second;
            },
            step: 0).Estimates[parameter]);

        Assert.Equal(Estimate("w1", 1, 0), Estimate("w1", 1, 5));
        Assert.Equal(Estimate("w2", 0, 1), Estimate("w2", 5, 1));
        Assert.NotEqual(Estimate("w1", 1, 1), Estimate("w1", 2, 1));
    }

    [Fact]
    public void Each_example_has_its_own_noise_whatever_the_batch()
    {
        ActivityPerturbationEstimator<double> estimator = new(NoiseDistribution.Gaussian, 2, seed: 1);
        double[] Estimate(int[] examples, params double[] shares) => Draw.Numbers(estimator.Estimate(
            Mlp.Parameters,
            sweep => sweep.Affine(Mlp.Points.Gather(examples), "w1", "b1").Tanh().Sum([-1]) * DualTensor.Constant(shares, shares.Length),
            step: 0).Estimates["w1"]);

        double[] alone = Estimate([3], 1);

        Tolerance.Near(alone, Estimate([3, 4], 2, 0), Tolerance.Double, "with another example");
        Assert.NotEqual(alone, Estimate([4, 3], 0, 2));
    }

    [Theory]
    [MemberData(nameof(Sets), DisableDiscoveryEnumeration = true)]
    public void Estimates_are_unbiased(string name, NoiseDistribution set)
    {
        IReadOnlyDictionary<string, double[]> gradient = Mlp.Gradient();
        foreach (ForwardGradientEstimator<double> estimator in new ForwardGradientEstimator<double>[]
        {
            new WeightPerturbationEstimator<double>(set, 2, seed: 11), new ActivityPerturbationEstimator<double>(set, 2, seed: 12),
        })
        {
            List<double> differences = [];
            for (uint step = 0; step < 500; step++)
            {
                GradientEstimate<double> estimate = estimator.Estimate(Mlp.Parameters, Mlp.Losses, step);
                differences.Add(gradient.Sum(exact =>
                {
                    double[] probe = Draw.Numbers(Draw.Normals<double>(77, [exact.Value.Length]));
                    return TensorPrimitives.Dot<double>(probe, Draw.Numbers(estimate.Estimates[exact.Key]))
                        - TensorPrimitives.Dot<double>(probe, exact.Value);
                }));
            }

            double mean = differences.Average();
            double error = Math.Sqrt(differences.Average(difference => (difference - mean) * (difference - mean)) / differences.Count);
            Assert.True(
                Math.Abs(mean) < Tolerance.StandardErrors * error,
                $"{name}, {estimator.GetType().Name}: off by {mean / error:F1} standard errors");
        }
    }

    [Fact]
    public void Noise_is_a_function_of_seed_and_step_alone()
    {
        ActivityPerturbationEstimator<double> estimator = new(NoiseDistribution.Gaussian, 1, seed: 1);
        ActivityPerturbationEstimator<double> other = new(NoiseDistribution.Gaussian, 1, seed: 2);
        IReadOnlyDictionary<string, Tensor<double>> reversed = Mlp.Parameters.Reverse().ToDictionary();
        double[] Weights(ForwardGradientEstimator<double> from, IReadOnlyDictionary<string, Tensor<double>> parameters, uint step) =>
            Draw.Numbers(from.Estimate(parameters, Mlp.Losses, step).Estimates["w2"]);

        double[] weights = Weights(estimator, Mlp.Parameters, 3);

        Assert.Equal(weights, Weights(estimator, reversed, 3));
        Assert.NotEqual(weights, Weights(estimator, Mlp.Parameters, 4));
        Assert.NotEqual(weights, Weights(other, Mlp.Parameters, 3));
        WeightPerturbationEstimator<double> onWeights = new(NoiseDistribution.Gaussian, 1, seed: 1);
        Assert.Equal(Weights(onWeights, Mlp.Parameters, 3), Weights(onWeights, reversed, 3));
    }

    [Fact]
    public void Evaluation_has_the_value_of_the_loss_without_noise()
    {
        double[] losses = Draw.Numbers(ForwardMode.Evaluate(Mlp.Losses, Mlp.Parameters));

        GradientEstimate<double> estimate = new ActivityPerturbationEstimator<double>(NoiseDistribution.Gaussian, 3, seed: 1)
            .Estimate(Mlp.Parameters, Mlp.Losses, step: 0);

        Tolerance.Near([losses.Average()], [estimate.Loss], Tolerance.Double, "loss");
    }

    [Fact]
    public void A_fault_states_the_rule_and_the_cure()
    {
        ActivityPerturbationEstimator<double> estimator = new(NoiseDistribution.Gaussian, 1, seed: 1);
        string Said<TException>(Func<ForwardSweep<double>, DualTensor<double>> loss)
            where TException : Exception => Assert.Throws<TException>(() => estimator.Estimate(Mlp.Parameters, loss, step: 0)).Message;

        Assert.Contains(
            "leave the mean to the estimator", Said<ArgumentException>(sweep => Mlp.Losses(sweep).Mean()), StringComparison.Ordinal);
        Assert.Contains("got [5, 5]", Said<ArgumentException>(sweep => sweep.Affine(Mlp.Points, "w1")), StringComparison.Ordinal);
        Assert.Contains("there are b1, b2", Said<KeyNotFoundException>(sweep => sweep.Affine(Mlp.Points, "w9")), StringComparison.Ordinal);
        Assert.Contains("'w2' [5, 6]", Said<ArgumentException>(sweep => sweep.Affine(Mlp.Points, "w2")), StringComparison.Ordinal);
        Assert.Contains(
            "[5]; 'b2' is [6]", Said<ArgumentException>(sweep => sweep.Affine(Mlp.Points, "w1", "b2")), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ActivityPerturbationEstimator<double>(NoiseDistribution.Gaussian, 0, seed: 1));
    }

    private static void RequireGradient(IReadOnlyDictionary<string, double[]> expected, GradientEstimate<double> estimate)
    {
        foreach ((string name, double[] gradient) in expected)
        {
            Tolerance.Near(gradient, Draw.Numbers(estimate.Estimates[name]), Tolerance.Double, name);
        }
    }

    // A power of two.
    private static int AtLeast(int dimension) => (int)BitOperations.RoundUpToPowerOf2((uint)dimension);

    /// <summary>
    /// The scaled unit vectors of all layers of noise together: layer 0 is the parameters, the others are the affine maps. The number of
    /// passes is a square, so that the scale is exact. Passes beyond the last unit vector are zero.
    /// </summary>
    private sealed class Basis(int passes, params int[] dimensions) : NoiseDistribution
    {
        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise)
        {
            noise.Clear();
            int place = (int)stream.Pass - dimensions[..(int)stream.Layer].Sum() - firstElement;
            if (place >= 0 && place < noise.Length)
            {
                noise[place] = MathF.Sqrt(passes);
            }
        }
    }
}
