using System.Numerics.Tensors;
using Onward.Autodiff;

namespace Onward.Tests.Autodiff;

public sealed class FeedbackAlignmentEstimatorTests
{
    private static readonly FeedbackAlignmentEstimator<double> Alignment = new(seed: 3);

    [Fact]
    public void Feedback_that_is_the_transposed_weight_gives_backprop_to_the_bit()
    {
        Dictionary<string, Tensor<double>> parameters = Mlp.Parameters.ToDictionary(
            parameter => parameter.Key,
            parameter => parameter.Key[0] == 'w' ? Feedback(Mlp.Parameters, parameter.Key).Transpose().ToTensor() : parameter.Value);

        RequireSame(
            new BackpropagationEstimator<double>().Estimate(parameters, Mlp.Losses, step: 0),
            Alignment.Estimate(parameters, Mlp.Losses, step: 0));
    }

    [Fact]
    public void Random_feedback_meets_the_pass_derived_on_paper()
    {
        IReadOnlyDictionary<string, double[]> expected = Mlp.Gradient(weight => Feedback(Mlp.Parameters, weight));
        IReadOnlyDictionary<string, double[]> backprop = Mlp.Gradient();

        GradientEstimate<double> estimate = Alignment.Estimate(Mlp.Parameters, Mlp.Losses, step: 0);

        foreach ((string name, double[] gradient) in expected)
        {
            Tolerance.Near(gradient, Draw.Numbers(estimate.Estimates[name]), Tolerance.Double, name);
        }

        Tolerance.Near(
            backprop["w3"],
            Draw.Numbers(estimate.Estimates["w3"]),
            Tolerance.Double,
            "the last layer, which sends nothing through its own matrix");
        Assert.NotEqual(backprop["w2"], expected["w2"]);
    }

    [Fact]
    public void A_weight_that_is_read_outside_an_affine_map_sends_the_error_back_through_itself()
    {
        static DualTensor<double> Losses(ForwardSweep<double> sweep) => Mlp.Losses((x, w, b) => x.MatMul(sweep[w]) + sweep[b]);

        RequireSame(
            new BackpropagationEstimator<double>().Estimate(Mlp.Parameters, Losses, step: 0),
            Alignment.Estimate(Mlp.Parameters, Losses, step: 0));
    }

    [Fact]
    public void A_block_is_aligned_with_its_own_loss_alone()
    {
        Dictionary<string, Tensor<double>> parameters = BackpropagationEstimatorTests.Parameters(BackpropagationEstimatorTests.Local);
        DualTensor<double> output = null!;
        GradientEstimate<double> first = Alignment.Estimate(
            parameters,
            sweep =>
            {
                output = sweep.Affine(Mlp.Points, "w1", "b1").LayerNorm().Relu();
                return -sweep.Affine(output, "head").LogSoftmax(-1).Pick(Mlp.Labels);
            },
            step: 0);
        GradientEstimate<double> second = Alignment.Estimate(
            parameters,
            sweep =>
                -sweep.Affine(sweep.Affine(output.StopGradient(), "w2", "b2").LayerNorm().Relu(), "w3").LogSoftmax(-1).Pick(Mlp.Labels),
            step: 0);

        GradientEstimate<double> estimate = Alignment.Estimate(parameters, BackpropagationEstimatorTests.LocalLosses, step: 0);

        Assert.All(["w1", "b1", "head"], name => Assert.Equal(Draw.Numbers(first.Estimates[name]), Draw.Numbers(estimate.Estimates[name])));
        Assert.All(["w2", "b2", "w3"], name => Assert.Equal(Draw.Numbers(second.Estimates[name]), Draw.Numbers(estimate.Estimates[name])));
    }

    [Fact]
    public void Feedback_is_fixed_by_the_seed_at_the_scale_of_initial_weights()
    {
        IReadOnlyDictionary<string, Tensor<double>> reversed = Mlp.Parameters.Reverse().ToDictionary();
        GradientEstimate<double> estimate = Alignment.Estimate(Mlp.Parameters, Mlp.Losses, step: 0);

        RequireSame(estimate, new FeedbackAlignmentEstimator<double>(seed: 3).Estimate(reversed, Mlp.Losses, step: 9));
        Assert.NotEqual(
            Draw.Numbers(estimate.Estimates["w1"]),
            Draw.Numbers(new FeedbackAlignmentEstimator<double>(seed: 4).Estimate(Mlp.Parameters, Mlp.Losses, step: 0).Estimates["w1"]));
        Assert.NotEqual(Alignment.Feedback(0, 4, 5).Values.ToArray(), Alignment.Feedback(1, 4, 5).Values.ToArray());
        DenseArray<double> feedback = Alignment.Feedback(0, 400, 100);
        Assert.Equal([100, 400], feedback.Shape);
        Assert.Equal(1, TensorPrimitives.SumOfSquares<double>(feedback.Values) / 100, Tolerance.TheoryRatio);
    }

    private static DualTensor<double> Feedback(IReadOnlyDictionary<string, Tensor<double>> parameters, string weight)
    {
        int[] shape = Draw.Shape(parameters[weight]);
        return new(Alignment.Feedback(Array.IndexOf([.. parameters.Keys.Order(StringComparer.Ordinal)], weight), shape[0], shape[1]));
    }

    private static void RequireSame(GradientEstimate<double> expected, GradientEstimate<double> estimate) =>
        Assert.All(
            expected.Estimates.Keys, name => Assert.Equal(Draw.Numbers(expected.Estimates[name]), Draw.Numbers(estimate.Estimates[name])));
}
