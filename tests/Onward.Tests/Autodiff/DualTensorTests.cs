using System.Numerics.Tensors;
using Onward.Autodiff;

namespace Onward.Tests.Autodiff;

/// <summary>Values against plain loops, edges, and what is said about shapes that do not match.</summary>
public sealed class DualTensorTests
{
    private static readonly DualTensor<double> Matrix = DualTensor.Constant([1.0, 5, 2, 4, 3, 6], 2, 3);

    public static TheoryData<string, Action, string> Faults() => new()
    {
        { "add", () => _ = Matrix + DualTensor.Constant([1.0, 2], 2), "[2, 3] and [2]" },
        { "multiply", () => _ = Matrix * Matrix.Transpose(), "Reshape one of them" },
        { "matrix product", () => Matrix.MatMul(Matrix), "Transpose one of them" },
        { "matrix product with a vector", () => Matrix.MatMul(Matrix.Select(0, 0)), "[2, 3] and [3]" },
        { "matrix product, batches", () => Ones(2, 3, 4).MatMul(Ones(5, 4, 2)), "[2] and [5]" },
        { "sum", () => Matrix.Sum([2]), "has 2 axes" },
        { "sum, axis twice", () => Matrix.Sum([1, -1]), "names one twice" },
        { "max", () => Ones(2, 0).Max(1), "is empty" },
        { "softmax", () => Matrix.Softmax(-3), "has 2 axes" },
        { "layer norm", () => Matrix.Sum().LayerNorm(), "got a scalar" },
        { "reshape", () => Matrix.Reshape(4, -1), "does not fill [4, -1]" },
        { "permute", () => Matrix.Permute(0, 0), "names one twice" },
        { "permute, too few", () => Matrix.Permute(0), "Name the axes that stay" },
        { "transpose", () => Matrix.Select(0, 0).Transpose(), "[..., m, n]" },
        { "slice", () => Matrix.Slice(1, 2, 2), "has no places 2 to 3" },
        { "select", () => Matrix.Select(0, -1), "has no places" },
        { "gather", () => Matrix.Gather(2), "counted from 1" },
        { "pick", () => Matrix.Pick(0, 3), "places 0 to 2" },
        { "pick, too few", () => Matrix.Pick(0), "2 in all" },
        { "concatenate", () => DualTensor.Concatenate(0, Matrix, Matrix.Transpose()), "[2, 3] and [3, 2]" },
        { "one-hot", () => DualTensor.OneHot<double>([3], 3), "0 to 2" },
        { "constant", () => DualTensor.Constant([1.0], 2), "[2] holds 2 numbers" },
        { "tangent", () => Matrix.Tangent(0), "is a constant" },
    };

    [Theory]
    [MemberData(nameof(Faults), DisableDiscoveryEnumeration = true)]
    public void A_fault_states_the_rule_the_shapes_and_the_cure(string name, Action fault, string said)
    {
        ArgumentException exception = Assert.ThrowsAny<ArgumentException>(fault);

        Assert.True(exception.Message.Contains(said, StringComparison.Ordinal), $"{name}: {exception.Message}");
    }

    [Fact]
    public void Tensors_of_different_sweeps_do_not_mix()
    {
        DualTensor<double> one = new(Matrix.Value, Matrix.Value), two = new(Matrix.Value, Matrix.Value, Matrix.Value);

        Assert.Contains("1 and 2", Assert.Throws<InvalidOperationException>(() => one * two).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => DualTensor.Concatenate(0, one, two));
        DualTensor<double> first = new(Matrix.Value, new Tape<double>()), second = new(Matrix.Value, new Tape<double>());
        Assert.Contains(
            "stop its gradient", Assert.Throws<InvalidOperationException>(() => first * second).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => DualTensor.Concatenate(0, first, Matrix, second));
    }

    [Fact]
    public void Matrix_product_is_the_sum_of_products_in_each_batch()
    {
        DualTensor<double> x = DualTensor.Constant(Draw.Normals<double>(1, [2, 1, 4, 3]));
        DualTensor<double> y = DualTensor.Constant(Draw.Normals<double>(2, [5, 3, 2]));
        double[] expected = new double[2 * 5 * 4 * 2];
        for (int i = 0; i < expected.Length; i++)
        {
            int column = i % 2, row = i / 2 % 4, right = i / 8 % 5, left = i / 40;
            expected[i] = Enumerable.Range(0, 3)
                .Sum(k => x.Values[(((left * 4) + row) * 3) + k] * y.Values[(((right * 3) + k) * 2) + column]);
        }

        DualTensor<double> product = x.MatMul(y);

        Assert.Equal([2, 5, 4, 2], product.Shape.ToArray());
        Tolerance.Near(expected, product.Values, Tolerance.Double, "product");
    }

    [Fact]
    public void Permuted_sums_meet_plain_loops()
    {
        DualTensor<double> x = DualTensor.Constant(Draw.Normals<double>(1, [2, 3, 4]));
        double[] permuted = new double[24], sums = new double[3];
        for (int i = 0; i < 24; i++)
        {
            permuted[(i % 4 * 6) + (i / 12 * 3) + (i / 4 % 3)] = x.Values[i];
            sums[i / 4 % 3] += x.Values[i];
        }

        Assert.Equal(permuted, x.Permute(2, 0, 1).Values.ToArray());
        Tolerance.Near(sums, x.Sum([0, 2]).Values, Tolerance.Double, "sums");
    }

    [Fact]
    public void Layout_operations_take_the_numbers_they_name()
    {
        Assert.Equal([5, 2, 3, 6], Matrix.Slice(1, 1, 2).Values.ToArray());
        Assert.Equal([2, 6], Matrix.Select(-1, 2).Values.ToArray());
        Assert.Equal([4, 3, 6, 1, 5, 2], Matrix.Gather(1, 0).Values.ToArray());
        Assert.Equal([5, 6], Matrix.Pick(1, 2).Values.ToArray());
        Assert.Equal([1, 5, 2, 1, 4, 3, 6, 4], DualTensor.Concatenate(1, Matrix, Matrix.Slice(1, 0, 1)).Values.ToArray());
        Assert.Equal([0, 0, 1, 1, 0, 0], DualTensor.OneHot<double>([2, 0], 3).Values.ToArray());
        Assert.Equal([4, 5, 6], Matrix.Max(0).Values.ToArray());
    }

    [Fact]
    public void Softmax_of_huge_numbers_is_finite_and_sums_to_one()
    {
        DualTensor<double> x = DualTensor.Constant([1000.0, 1001, -1000, -999], 2, 2);

        Tolerance.Near([1, 1], x.Softmax(-1).Sum([-1]).Values, Tolerance.Double, "sums");
        Tolerance.Near(
            [1001 + Math.Log(1 + Math.Exp(-1)), -999 + Math.Log(1 + Math.Exp(-1))],
            x.LogSumExp(-1).Values,
            Tolerance.Double,
            "log-sum-exp");
    }

    // Where one number leads by a margin, its probability rounds to 1; what is computed from 1 - p must not fall off the end.
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(10)]
    [InlineData(33)]
    public void Softmax_never_exceeds_one(int classes)
    {
        for (float margin = 0; margin <= 120; margin += 0.5f)
        {
            DualTensor<float> p = DualTensor.Constant<float>([margin, .. Enumerable.Repeat(0f, classes - 1)], 1, classes).Softmax(-1);

            Assert.All(p.Values.ToArray(), value => Assert.InRange(value, 0, 1));
            Assert.DoesNotContain(((1f - p).Power(1.5f) * (1f - p).Log()).Square().Values.ToArray()[1..], float.IsNaN);
            Assert.False(float.IsNaN((1f - p).Power(1.5f).Values[0]));
            Assert.False(float.IsNaN((1f - p).Log().Values[0]));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(17)]
    public void Elementwise_functions_have_exact_ends_in_tensors_of_any_size(int size)
    {
        DualTensor<float> zeros = DualTensor.Constant<float>(new float[size], size);

        Assert.All(zeros.Exp().Values.ToArray(), value => Assert.Equal(1, value));
        Assert.All(zeros.Tanh().Values.ToArray(), value => Assert.Equal(0, value));
        Assert.All(zeros.Exp().Log().Values.ToArray(), value => Assert.Equal(0, value));
        Assert.All(zeros.Sigmoid().Values.ToArray(), value => Assert.Equal(0.5f, value));
        Assert.All((zeros - 2f).Power(3).Values.ToArray(), value => Assert.Equal(-8, value));
    }

    [Fact]
    public void Layer_norm_leaves_mean_zero_and_variance_one_less_epsilon()
    {
        DualTensor<double> y = Matrix.LayerNorm();

        double variance = 26.0 / 9;
        Tolerance.Near([variance / (variance + 1e-5)], y.Select(0, 0).Square().Mean().Values, Tolerance.Double, "variance");
        Assert.Equal(0, y.Select(0, 0).Sum().Values[0], Tolerance.Double);
    }

    [Fact]
    public void At_a_kink_the_documented_derivative_is_taken()
    {
        Tensor<double> zeros = Tensor.CreateFromShape<double>([2]), v = Tensor.Create([2.0, 3], [2]);

        Assert.Equal([0, 0], Draw.Numbers(ForwardMode.Jvp(x => x.Relu(), zeros, v).Tangent));
        Assert.Equal([0, 0], Draw.Numbers(ForwardMode.Jvp(x => x.Abs(), zeros, v).Tangent));
        Assert.Equal([2], Draw.Numbers(ForwardMode.Jvp(x => x.Max(0), zeros, v).Tangent));
        Assert.Equal([0, 0], Draw.Numbers(ForwardMode.Jvp(x => x.Power(0), zeros, v).Tangent));
    }

    [Fact]
    public void A_framework_view_is_read_in_its_own_order()
    {
        Tensor<double> transposed = Tensor.PermuteDimensions(Tensor.Create([1.0, 2, 3, 4, 5, 6], [2, 3]), [1, 0]);

        DualTensor<double> x = DualTensor.Constant(transposed);

        Assert.Equal([3, 2], x.Shape.ToArray());
        Assert.Equal([1, 4, 2, 5, 3, 6], x.Values.ToArray());
    }

    private static DualTensor<double> Ones(params int[] shape) =>
        DualTensor.Constant([.. Enumerable.Repeat(1.0, shape.Aggregate(1, (product, size) => product * size))], shape);
}
