using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Onward.Autodiff;
using Onward.Kernels;

namespace Onward.Tests.Autodiff;

/// <summary>The gradient by reverse mode: against paper, differences, and forward gradients that are exact.</summary>
public sealed class BackpropagationEstimatorTests
{
    private static readonly BackpropagationEstimator<double> Backprop = new();

    [Fact]
    public void Gradient_of_a_network_is_the_one_derived_on_paper()
    {
        GradientEstimate<double> estimate = Backprop.Estimate(Mlp.Parameters, Mlp.Losses, step: 0);

        foreach ((string name, double[] gradient) in Mlp.Gradient())
        {
            Tolerance.Near(gradient, Draw.Numbers(estimate.Estimates[name]), Tolerance.Double, name);
        }

        Tolerance.Near(
            [Draw.Numbers(ForwardMode.Evaluate(Mlp.Losses, Mlp.Parameters)).Average()], [estimate.Loss], Tolerance.Double, "loss");
    }

    [Fact]
    public void Gradient_in_float_agrees_with_double()
    {
        static Dictionary<string, Tensor<T>> Parameters<T>()
            where T : struct, System.Numerics.IFloatingPointIeee754<T> =>
            new() { ["w"] = Draw.Normals<T>(1, [4, 3]), ["b"] = Draw.Normals<T>(2, [3]) };
        static DualTensor<T> Loss<T>(ForwardSweep<T> sweep)
            where T : struct, System.Numerics.IFloatingPointIeee754<T> =>
            -sweep.Affine(DualTensor.Constant(Draw.Normals<T>(3, [5, 4])), "w", "b").LayerNorm().LogSoftmax(-1).Pick(Mlp.Labels);
        GradientEstimate<double> wide = Backprop.Estimate(Parameters<double>(), Loss, step: 0);

        GradientEstimate<float> narrow = new BackpropagationEstimator<float>().Estimate(Parameters<float>(), Loss, step: 0);

        Tolerance.Near(Draw.Numbers(wide.Estimates["w"]), Draw.Numbers(narrow.Estimates["w"]), Tolerance.Kernel, "w");
        Tolerance.Near(Draw.Numbers(wide.Estimates["b"]), Draw.Numbers(narrow.Estimates["b"]), Tolerance.Kernel, "b");
    }

    [Fact]
    public void Gradient_of_an_attention_network_meets_the_central_difference()
    {
        const double Step = 1e-5;
        Dictionary<string, Tensor<double>> parameters = Parameters(
            ("table", [7, 4]), ("query", [4, 3]), ("key", [4, 3]), ("value", [4, 3]), ("bias", [3]), ("gain", [3]), ("out", [6, 3]));
        Dictionary<string, Tensor<double>> direction = parameters.ToDictionary(
            parameter => parameter.Key, parameter => Draw.Normals<double>((uint)(70 + parameter.Key.Length), Draw.Shape(parameter.Value)));
        double At(double step) => Draw.Numbers(ForwardMode.Evaluate(Attention, parameters.ToDictionary(
            parameter => parameter.Key,
            parameter => Tensor.Add<double>(parameter.Value, Tensor.Multiply<double>(direction[parameter.Key], step))))).Average();

        GradientEstimate<double> estimate = Backprop.Estimate(parameters, Attention, step: 0);

        double along = parameters.Keys.Sum(
            name => TensorPrimitives.Dot<double>(Draw.Numbers(estimate.Estimates[name]), Draw.Numbers(direction[name])));
        Tolerance.Near([(At(Step) - At(-Step)) / (2 * Step)], [along], Tolerance.CentralDifference, "derivative along the direction");
    }

    [Fact]
    public void Gradients_of_all_places_that_read_a_parameter_add_up()
    {
        Dictionary<string, Tensor<double>> parameters = Parameters(("w", [4, 4]));
        static DualTensor<double> Loss(ForwardSweep<double> sweep) =>
            (sweep.Affine(sweep.Affine(Mlp.Points, "w").Tanh(), "w") * sweep["w"].Select(0, 1)).Sum([-1]).Square();

        RequireExact(parameters, Loss);
    }

    [Fact]
    public void Each_block_is_trained_as_by_exact_local_forward_gradients() => RequireExact(Parameters(Local), LocalLosses);

    [Fact]
    public void A_loss_of_the_batch_as_a_whole_may_be_a_scalar() =>
        RequireExact(Parameters(("w", [4, 3])), sweep => sweep.Affine(Mlp.Points, "w").Tanh().Mean([0]).Square().Sum().Log());

    [Fact]
    public void A_block_reads_what_it_kept_from_another_as_a_constant()
    {
        DualTensor<double> kept = null!, weight = null!;
        DualTensor<double> Losses(ForwardSweep<double> sweep, bool unstopped)
        {
            weight = sweep["w2"];
            kept = sweep.Affine(Mlp.Points, "w1", "b1").Tanh();
            DualTensor<double> output = sweep.EndBlock(kept, kept.MatMul(weight).Square().Sum([-1]));
            Assert.Null(kept.Recorded);
            return (unstopped ? kept.MatMul(weight) : output.MatMul(weight.StopGradient())).Exp().Sum([-1]) * sweep["b1"].Sum();
        }

        GradientEstimate<double> expected = Backprop.Estimate(Mlp.Parameters, sweep => Losses(sweep, unstopped: false), step: 0);

        GradientEstimate<double> estimate = Backprop.Estimate(Mlp.Parameters, sweep => Losses(sweep, unstopped: true), step: 0);

        Assert.All(
            Mlp.Parameters.Keys, name => Assert.Equal(Draw.Numbers(expected.Estimates[name]), Draw.Numbers(estimate.Estimates[name])));
    }

    [Fact]
    public void Nothing_goes_back_through_a_stopped_gradient_or_to_what_is_not_used()
    {
        GradientEstimate<double> estimate = Backprop.Estimate(
            Mlp.Parameters, sweep => sweep.Affine(sweep.Affine(Mlp.Points, "w1", "b1").Tanh().StopGradient(), "w2").Sum([-1]), step: 0);
        GradientEstimate<double> ofConstant = Backprop.Estimate(
            Mlp.Parameters, sweep => sweep.Affine(Mlp.Points, "w1").Sum([-1]).StopGradient(), step: 0);

        Assert.All(["w1", "b1", "b2", "w3"], name => Assert.All(Draw.Numbers(estimate.Estimates[name]), number => Assert.Equal(0, number)));
        Assert.NotEqual(0, Tolerance.Norm(Draw.Numbers(estimate.Estimates["w2"])));
        Assert.All(ofConstant.Estimates.Values, tensor => Assert.All(Draw.Numbers(tensor), number => Assert.Equal(0, number)));
    }

    [Fact]
    public void Nothing_stays_from_one_estimate_to_the_next()
    {
        DualTensor<double>? last = null;
        DualTensor<double> Losses(ForwardSweep<double> sweep)
        {
            DualTensor<double> hidden = sweep.Affine(Mlp.Points, "w1", "b1").Tanh();
            DualTensor<double> loss = (last is null ? hidden : hidden + last - last.StopGradient()).Square().Sum([-1]);
            last = hidden;
            return loss;
        }

        GradientEstimate<double> first = Backprop.Estimate(Mlp.Parameters, Losses, step: 0);
        GradientEstimate<double> second = Backprop.Estimate(Mlp.Parameters, Losses, step: 1);

        Tolerance.Near(Draw.Numbers(first.Estimates["w1"]), Draw.Numbers(second.Estimates["w1"]), Tolerance.Double, "w1");
    }

    [Fact]
    public void What_a_block_kept_is_freed_at_its_end()
    {
        Backprop.Estimate(
            Mlp.Parameters,
            sweep =>
            {
                (DualTensor<double> output, WeakReference inner) = SquareOfAffine(sweep);
                GC.Collect();
                Assert.True(inner.IsAlive);
                DualTensor<double> input = sweep.EndBlock(output, output.Sum([-1]));
                GC.Collect();
                Assert.False(inner.IsAlive);
                GC.KeepAlive(output);
                return sweep.Affine(input, "w2").Sum([-1]);
            },
            step: 0);
    }

    [Fact]
    public void Forward_gradients_record_nothing()
    {
        foreach (GradientEstimator<double> estimator in new GradientEstimator<double>[]
        {
            new WeightPerturbationEstimator<double>(NoiseDistribution.Gaussian, 1, seed: 1),
            new ActivityPerturbationEstimator<double>(NoiseDistribution.Gaussian, 1, seed: 1),
        })
        {
            estimator.Estimate(
                Mlp.Parameters,
                sweep =>
                {
                    DualTensor<double> losses = Mlp.Losses(sweep) + sweep["b1"].Sum();
                    Assert.Null(losses.Recorded);
                    return losses;
                },
                step: 0);
        }
    }

    /// <summary>The MLP in two blocks; the first has a head of its own.</summary>
    internal static (string Name, int[] Shape)[] Local { get; } =
        [("w1", [4, 5]), ("b1", [5]), ("head", [5, 3]), ("w2", [5, 6]), ("b2", [6]), ("w3", [6, 3])];

    internal static DualTensor<double> LocalLosses(ForwardSweep<double> sweep)
    {
        DualTensor<double> hidden = sweep.Affine(Mlp.Points, "w1", "b1").LayerNorm().Relu();
        hidden = sweep.EndBlock(hidden, -sweep.Affine(hidden, "head").LogSoftmax(-1).Pick(Mlp.Labels));
        hidden = sweep.Affine(hidden, "w2", "b2").LayerNorm().Relu();
        return -sweep.Affine(hidden, "w3").LogSoftmax(-1).Pick(Mlp.Labels);
    }

    internal static Dictionary<string, Tensor<double>> Parameters(params (string Name, int[] Shape)[] shapes) =>
        shapes.Index().ToDictionary(shape => shape.Item.Name, shape => Draw.Normals<double>((uint)(200 + shape.Index), shape.Item.Shape));

    private static DualTensor<double> Attention(ForwardSweep<double> sweep)
    {
        DualTensor<double> x = sweep["table"].Gather(0, 3, 3, 6, 1, 2, 5, 0, 4, 2).Reshape(2, 5, 4);                        // [N, S, 4]
        DualTensor<double> scores = sweep.Affine(x, "query").MatMul(sweep.Affine(x, "key").Transpose()) / Math.Sqrt(3);     // [N, S, S]
        DualTensor<double> mixed = scores.Softmax(-1).MatMul(sweep.Affine(x, "value", "bias"));                             // [N, S, 3]
        mixed = mixed.LayerNorm() * sweep["gain"] + sweep.Affine(x, "query").Sigmoid();
        DualTensor<double> pooled = DualTensor.Concatenate(1, mixed.Max(1), mixed.Permute(1, 0, 2).Mean([0]));              // [N, 6]
        return -sweep.Affine(pooled, "out").LogSoftmax(-1).Pick(2, 0);                                                      // [N]
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (DualTensor<double> Output, WeakReference Inner) SquareOfAffine(ForwardSweep<double> sweep)
    {
        DualTensor<double> inner = sweep.Affine(Mlp.Points, "w1");
        return (inner * inner, new WeakReference(inner.Value));
    }

    // Orthogonal directions at least as many as parameters are exact.
    private static void RequireExact(Dictionary<string, Tensor<double>> parameters, Func<ForwardSweep<double>, DualTensor<double>> loss)
    {
        uint dimension = (uint)parameters.Values.Sum(tensor => (int)tensor.FlattenedLength);
        WeightPerturbationEstimator<double> exact = new(
            NoiseDistribution.Orthogonal, (int)BitOperations.RoundUpToPowerOf2(dimension), seed: 1);
        GradientEstimate<double> expected = exact.Estimate(parameters, loss, step: 0);

        GradientEstimate<double> estimate = Backprop.Estimate(parameters, loss, step: 0);

        Assert.Equal(expected.Losses, estimate.Losses);
        foreach (string name in parameters.Keys)
        {
            Tolerance.Near(Draw.Numbers(expected.Estimates[name]), Draw.Numbers(estimate.Estimates[name]), Tolerance.Double, name);
        }
    }
}
