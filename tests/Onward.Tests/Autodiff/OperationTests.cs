using System.Numerics.Tensors;
using Onward.Autodiff;

namespace Onward.Tests.Autodiff;

/// <summary>The tests that every operation must pass.</summary>
public sealed class OperationTests
{
    public static IEnumerable<TheoryDataRow<string>> Names() =>
        Operations.All<double>().Select(operation => new TheoryDataRow<string>(operation.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Tangent_meets_the_central_difference(string name)
    {
        Operation<double> operation = Row(name);
        Tensor<double>[] x = operation.Inputs(), v = operation.Direction(0);

        Tensor<double> tangent = ForwardMode.Jvp(operation.Apply, x, v).Tangent;

        Tolerance.Near(CentralDifference(operation, x, v), Draw.Numbers(tangent), Tolerance.CentralDifference, name);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Error_sent_back_meets_the_tangent(string name)
    {
        Operation<double> operation = Row(name);
        Tensor<double>[] x = operation.Inputs(), v = operation.Direction(0);
        Tensor<double> tangent = ForwardMode.Jvp(operation.Apply, x, v).Tangent;
        Tape<double> tape = new();
        DualTensor<double>[] inputs = [.. x.Select(value => new DualTensor<double>(DenseArray<double>.From(value), tape))];

        DualTensor<double> y = operation.Apply(inputs);
        DenseArray<double> u = new(y.Shape.ToArray(), Draw.Numbers(Draw.Normals<double>(1000, [y.Values.Length])));
        tape.WalkBack(y.Recorded, u);

        double sent = 0;
        for (int i = 0; i < x.Length; i++)
        {
            Assert.Equal(inputs[i].Shape.ToArray(), inputs[i].Error!.Shape);
            sent += TensorPrimitives.Dot<double>(inputs[i].Error!.Values, Draw.Numbers(v[i]));
        }

        double met = TensorPrimitives.Dot<double>(u.Values, Draw.Numbers(tangent));
        Tolerance.Near(met, sent, Tolerance.Double, Tolerance.Norm(u.Values) * Tolerance.Norm(Draw.Numbers(tangent)), name);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Only_what_is_recorded_receives_an_error(string name)
    {
        Operation<double> operation = Row(name);
        DenseArray<double>[] x = [.. operation.Inputs().Select(DenseArray<double>.From)];
        double[] Error(int of, params int[] recorded)
        {
            Tape<double> tape = new();
            DualTensor<double>[] inputs =
            [
                .. x.Select((value, i) => recorded.Contains(i) ? new DualTensor<double>(value, tape) : new(value)),
            ];
            DualTensor<double> y = operation.Apply(inputs);
            tape.WalkBack(y.Recorded, y.Value);
            Assert.Null(y.Recorded);
            Assert.All(inputs.Where((_, i) => !recorded.Contains(i)), input => Assert.Null(input.Error));
            return inputs[of].Error!.Values.ToArray();
        }

        for (int i = 0; i < x.Length; i++)
        {
            Assert.Equal(Error(i, [.. Enumerable.Range(0, x.Length)]), Error(i, i));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Several_tangents_equal_single_ones(string name)
    {
        Operation<double> operation = Row(name);
        Tensor<double>[] x = operation.Inputs();
        Tensor<double>[][] v = [operation.Direction(0), operation.Direction(1), operation.Direction(2)];

        DualTensor<double> y = operation.Apply([.. x.Select((value, i) => new DualTensor<double>(
            DenseArray<double>.From(value), [.. v.Select(direction => DenseArray<double>.From(direction[i]))]))]);

        for (int d = 0; d < v.Length; d++)
        {
            (Tensor<double> value, Tensor<double> tangent) = ForwardMode.Jvp(operation.Apply, x, v[d]);
            Assert.Equal(Draw.Numbers(value), y.Values.ToArray());
            Assert.Equal(Draw.Numbers(tangent), y.Tangent(d).ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Absent_tangent_equals_zero_tangent(string name)
    {
        Operation<double> operation = Row(name);
        Tensor<double>[] x = operation.Inputs();
        for (int absent = 0; absent < x.Length; absent++)
        {
            Tensor<double>?[] v = operation.Direction(0);
            v[absent] = Tensor.CreateFromShape<double>(x[absent].Lengths);
            Tensor<double> expected = ForwardMode.Jvp(operation.Apply, x, v).Tangent;
            v[absent] = null;

            Tensor<double> tangent = ForwardMode.Jvp(operation.Apply, x, v).Tangent;

            Assert.Equal(Draw.Numbers(expected), Draw.Numbers(tangent));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Without_any_tangent_the_result_is_a_constant(string name)
    {
        Operation<double> operation = Row(name);

        DualTensor<double> y = operation.Apply([.. operation.Inputs().Select(DualTensor.Constant)]);

        Assert.Equal(0, y.Directions);
        Assert.Null(y.Recorded);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Float_agrees_with_double(string name)
    {
        Operation<double> wide = Row(name);
        Operation<float> narrow = Operations.All<float>().Single(operation => operation.Name == name);

        (Tensor<double> value, Tensor<double> tangent) = ForwardMode.Jvp(wide.Apply, wide.Inputs(), wide.Direction(0));
        (Tensor<float> narrowValue, Tensor<float> narrowTangent) = ForwardMode.Jvp(narrow.Apply, narrow.Inputs(), narrow.Direction(0));

        Tolerance.Near(Draw.Numbers(value), Draw.Numbers(narrowValue), Tolerance.Kernel, name);
        Tolerance.Near(Draw.Numbers(tangent), Draw.Numbers(narrowTangent), Tolerance.Kernel, name);
    }

    private static Operation<double> Row(string name) => Operations.All<double>().Single(operation => operation.Name == name);

    private static double[] CentralDifference(Operation<double> operation, Tensor<double>[] x, Tensor<double>[] v)
    {
        const double Step = 1e-5;
        if (operation.Name.StartsWith("stop", StringComparison.Ordinal))
        {
            // The stopped path does not move, which a difference cannot know.
            return
            [
                .. Draw.Numbers(v[0]).Zip(Draw.Numbers(x[1]), (dx, y) => dx * y).Zip(Draw.Numbers(v[1]), (product, dy) => product + dy),
            ];
        }

        double[] At(double step) => operation.Apply([.. x.Zip(v, (value, direction) =>
            DualTensor.Constant(Tensor.Add<double>(value, Tensor.Multiply<double>(direction, step))))]).Values.ToArray();
        return [.. At(Step).Zip(At(-Step), (above, below) => (above - below) / (2 * Step))];
    }
}
