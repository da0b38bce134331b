using System.Numerics;
using System.Numerics.Tensors;
using Onward.Autodiff;
using Onward.Kernels;

namespace Onward.Tests.Autodiff;

/// <summary>A perceptron in float32, whose products are packed, against the same in float64, and what it does with memory.</summary>
public sealed class PerceptronTests
{
    private static readonly int[] Widths = [20, 70, 33, 5];
    private static readonly int[] Labels = [.. Enumerable.Range(0, 13).Select(n => n % 5)];

    [Fact]
    public void Backpropagation_in_float_meets_double() =>
        RequireNear(new BackpropagationEstimator<double>(), new BackpropagationEstimator<float>());

    [Fact]
    public void Feedback_alignment_in_float_meets_double() =>
        RequireNear(new FeedbackAlignmentEstimator<double>(seed: 1), new FeedbackAlignmentEstimator<float>(seed: 1));

    [Fact]
    public void Activity_perturbation_in_float_meets_double() => RequireNear(
        new ActivityPerturbationEstimator<double>(NoiseDistribution.Gaussian, passes: 3, seed: 1),
        new ActivityPerturbationEstimator<float>(NoiseDistribution.Gaussian, passes: 3, seed: 1));

    [Fact]
    public void Weight_perturbation_in_float_meets_double() => RequireNear(
        new WeightPerturbationEstimator<double>(NoiseDistribution.Gaussian, passes: 3, seed: 1),
        new WeightPerturbationEstimator<float>(NoiseDistribution.Gaussian, passes: 3, seed: 1));

    [Fact]
    public void Value_of_an_example_has_the_same_bits_in_every_batch()
    {
        Dictionary<string, Tensor<float>> parameters = Parameters<float>();
        DualTensor<float> points = DualTensor.Constant(Draw.Normals<float>(50, [13, Widths[0]]));

        float[] together = Logits(points);

        float[] apart = [.. Enumerable.Range(0, 13).SelectMany(n => Logits(points.Slice(0, n, 1)))];
        Tolerance.Same(together, apart, "logits");

        float[] Logits(DualTensor<float> x)
        {
            Tensor<float> logits = ForwardMode.Evaluate(sweep => sweep.Affine(sweep.Affine(x, "w1", "b1").Relu(), "w2", "b2"), parameters);
            float[] numbers = new float[logits.FlattenedLength];
            logits.FlattenTo(numbers);
            return numbers;
        }
    }

    [Fact]
    public void Parameters_are_read_where_they_are()
    {
        const int Size = 1000;
        Dictionary<string, Tensor<float>> parameters = new() { ["w"] = Draw.Normals<float>(1, [Size, Size]) };
        DualTensor<float> x = DualTensor.Constant(Draw.Normals<float>(2, [8, Size]));
        ForwardMode.Evaluate(sweep => sweep.Affine(x, "w"), parameters);
        long before = GC.GetAllocatedBytesForCurrentThread();

        ForwardMode.Evaluate(sweep => sweep.Affine(x, "w"), parameters);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Size * Size);
    }

    [Fact]
    public void Results_have_memory_of_their_own()
    {
        Dictionary<string, Tensor<double>> parameters = new()
        {
            ["a"] = Draw.Normals<double>(1, [3]),
            ["b"] = Draw.Normals<double>(2, [3]),
        };
        double a = parameters["a"][0], b = parameters["b"][0];

        GradientEstimate<double> estimate = new BackpropagationEstimator<double>().Estimate(
            parameters, sweep => (sweep["a"] + sweep["b"]).Square(), step: 0);
        Tensor<double> value = ForwardMode.Evaluate(sweep => sweep["a"], parameters);
        estimate.Estimates["a"][0] = 100;
        value[0] = 200;

        Assert.Equal(2 * (a + b) / 3, estimate.Estimates["b"][0], 1e-12);
        Assert.Equal((a, b), (parameters["a"][0], parameters["b"][0]));
    }

    [Fact]
    public void Parameters_that_are_not_dense_are_read_as_well()
    {
        Tensor<double> wide = Draw.Normals<double>(1, [4, 6]);
        Tensor<double> part = wide.Slice(1..3, 2..5);
        Assert.False(part.IsDense);

        Tensor<double> value = ForwardMode.Evaluate(sweep => sweep["w"], new Dictionary<string, Tensor<double>> { ["w"] = part });

        Assert.Equal(Draw.Numbers(part), Draw.Numbers(value));
    }

    private static void RequireNear(GradientEstimator<double> wide, GradientEstimator<float> narrow)
    {
        GradientEstimate<double> expected = wide.Estimate(Parameters<double>(), Losses, step: 3);

        GradientEstimate<float> estimate = narrow.Estimate(Parameters<float>(), Losses, step: 3);

        foreach ((string name, Tensor<double> gradient) in expected.Estimates)
        {
            Tolerance.Near(Draw.Numbers(gradient), Draw.Numbers(estimate.Estimates[name]), Tolerance.Kernel, name);
        }
    }

    private static DualTensor<T> Losses<T>(ForwardSweep<T> sweep)
        where T : struct, IFloatingPointIeee754<T>
    {
        DualTensor<T> points = DualTensor.Constant(Draw.Normals<T>(50, [13, Widths[0]]));
        DualTensor<T> hidden = sweep.Affine(sweep.Affine(points, "w1", "b1").Relu(), "w2", "b2").Tanh();
        return -sweep.Affine(hidden, "w3", "b3").LogSoftmax(-1).Pick(Labels);
    }

    private static Dictionary<string, Tensor<T>> Parameters<T>()
        where T : struct, IFloatingPointIeee754<T> => Enumerable.Range(1, 3)
        .SelectMany(layer => new (string Name, int[] Shape)[]
        {
            ($"w{layer}", [Widths[layer - 1], Widths[layer]]), ($"b{layer}", [Widths[layer]]),
        })
        .ToDictionary(
            parameter => parameter.Name,
            parameter => Tensor.Divide(
                Draw.Normals<T>((uint)(60 + parameter.Name[1] + (parameter.Shape.Length * 10)), parameter.Shape),
                T.Sqrt(T.CreateChecked(parameter.Shape[0]))));
}
