using System.Numerics.Tensors;
using Onward.Autodiff;

namespace Onward.Tests.Autodiff;

public sealed class ForwardModeTests
{
    private static readonly Dictionary<string, Tensor<double>?> Direction =
        Mlp.Parameters.ToDictionary(
            parameter => parameter.Key, parameter => (Tensor<double>?)Draw.Normals<double>(99, Draw.Shape(parameter.Value)));

    [Fact]
    public void Tangent_of_a_network_meets_the_central_difference()
    {
        const double Step = 1e-5;
        double At(double step) => Mlp.MeanLoss(Mlp.Parameters.ToDictionary(
            parameter => parameter.Key,
            parameter => DualTensor.Constant(
                Tensor.Add<double>(parameter.Value, Tensor.Multiply<double>(Direction[parameter.Key]!, step))))).Values[0];

        Tensor<double> tangent = ForwardMode.Jvp(Mlp.MeanLoss, Mlp.Parameters, Direction).Tangent;

        Tolerance.Near([(At(Step) - At(-Step)) / (2 * Step)], Draw.Numbers(tangent), Tolerance.CentralDifference, "tangent");
    }

    [Fact]
    public void Tangent_of_a_network_is_the_direction_times_the_gradient_derived_on_paper()
    {
        double expected = Mlp.Gradient()
            .Sum(gradient => TensorPrimitives.Dot<double>(gradient.Value, Draw.Numbers(Direction[gradient.Key]!)));

        (Tensor<double> value, Tensor<double> tangent) = ForwardMode.Jvp(Mlp.MeanLoss, Mlp.Parameters, Direction);

        Tolerance.Near([expected], Draw.Numbers(tangent), Tolerance.Double, "tangent");
        Assert.Equal(1, value.Rank);
    }

    [Fact]
    public void Several_directions_share_one_value()
    {
        int calls = 0;
        Tensor<double> x = Draw.Normals<double>(1, [3]), v = Draw.Normals<double>(2, [3]), w = Draw.Normals<double>(3, [3]);
        DualTensor<double> Count(DualTensor<double> input)
        {
            calls++;
            return input.Tanh();
        }

        (Tensor<double> value, IReadOnlyList<Tensor<double>> tangents) = ForwardMode.JvpAlongEach(Count, x, [v, w]);

        Assert.Equal(1, calls);
        Assert.Equal(Draw.Numbers(ForwardMode.Jvp(Count, x, w).Tangent), Draw.Numbers(tangents[1]));
        Tolerance.Near(Draw.Numbers(x).Select(Math.Tanh).ToArray(), Draw.Numbers(value), Tolerance.Double, "value");
    }

    [Fact]
    public void Nothing_is_differentiated_through_a_stopped_gradient()
    {
        Tensor<double> x = Draw.Normals<double>(1, [3]), v = Draw.Normals<double>(2, [3]);

        (Tensor<double> value, Tensor<double> tangent) = ForwardMode.Jvp(input => input.Exp().StopGradient(), x, v);

        Assert.Equal([0, 0, 0], Draw.Numbers(tangent));
        Assert.Equal(Draw.Numbers(ForwardMode.Jvp(input => input.Exp(), x, v).Value), Draw.Numbers(value));
    }

    [Fact]
    public void A_direction_must_have_the_structure_of_the_input()
    {
        Tensor<double> x = Draw.Normals<double>(1, [3]), v = Draw.Normals<double>(2, [4]);
        Dictionary<string, Tensor<double>?> misnamed = new() { ["w1"] = null, ["w9"] = null };

        Assert.Contains(
            "[3], its tangent [4]",
            Assert.Throws<ArgumentException>(() => ForwardMode.Jvp(input => input, x, v)).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "at least one",
            Assert.Throws<ArgumentException>(() => ForwardMode.JvpAlongEach(input => input, x, [])).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "2 inputs, 1 tangents",
            Assert.Throws<ArgumentException>(() => ForwardMode.Jvp(inputs => inputs[0], [x, x], [x])).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "tangents: w1, w9",
            Assert.Throws<ArgumentException>(() => ForwardMode.Jvp(Mlp.MeanLoss, Mlp.Parameters, misnamed)).Message,
            StringComparison.Ordinal);
    }
}
