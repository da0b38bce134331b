using System.Numerics.Tensors;
using Onward.Autodiff;

namespace Onward.Tests.Autodiff;

public sealed class BroadcastingTests
{
    [Theory]
    [InlineData(new[] { 4, 2, 3 }, new[] { 2, 1 })]
    [InlineData(new[] { 4, 1, 3 }, new[] { 2, 1 })]
    [InlineData(new[] { 2, 1, 3, 1 }, new[] { 1, 5, 1, 4 })]
    [InlineData(new[] { 1, 3 }, new[] { 3 })]
    [InlineData(new[] { 3, 1, 1 }, new[] { 3, 2, 2 })]
    [InlineData(new[] { 2, 2500 }, new[] { 2, 1 })]
    [InlineData(new[] { 2, 1500 }, new int[0])]
    [InlineData(new[] { 2, 1500 }, new[] { 1500 })]
    [InlineData(new int[0], new int[0])]
    [InlineData(new[] { 1, 1 }, new int[0])]
    [InlineData(new[] { 0, 3 }, new[] { 3 })]
    [InlineData(new[] { 3, 0 }, new[] { 3, 1 })]
    public void Pairs_are_those_of_both_arrays_expanded(int[] left, int[] right)
    {
        DenseArray<float> x = Draw(1, left), y = Draw(2, right);
        int[] common = Shapes.Broadcast(left, right);

        foreach ((DenseArray<float> first, DenseArray<float> second) in new[] { (x, y), (y, x) })
        {
            float[] a = first.Expand(common).Values.ToArray(), b = second.Expand(common).Values.ToArray();

            DenseArray<float> difference = first - second;

            Assert.Equal(common, difference.Shape);
            Assert.Equal(a.Zip(b, (u, v) => u - v), difference.Values.ToArray());
        }
    }

    [Theory]
    [InlineData(new[] { 3, 20 }, new[] { 0 })]
    [InlineData(new[] { 3, 4, 5 }, new[] { 0 })]
    [InlineData(new[] { 3, 4, 20 }, new[] { 0, 1 })]
    [InlineData(new[] { 3, 4, 20 }, new[] { 1 })]
    [InlineData(new[] { 3, 4, 20 }, new[] { 2 })]
    [InlineData(new[] { 0, 20 }, new[] { 0 })]
    public void Sums_over_axes_meet_sums_in_double(int[] shape, int[] axes)
    {
        DenseArray<float> x = Draw(3, shape);
        int[] kept = [.. Enumerable.Range(0, shape.Length).Except(axes)];
        double[] numbers = Numbers.Widen(x.Permute([.. kept, .. axes]).Values);
        int length = Shapes.Count(Shapes.Reduce(shape, axes, keep: false)), run = numbers.Length / length;

        DenseArray<float> sum = x.Sum(axes, keep: false);

        Tolerance.Near(
            [.. Enumerable.Range(0, length).Select(i => numbers.AsSpan(i * run, run).ToArray().Sum())],
            sum.Values,
            Tolerance.Kernel,
            "sums",
            TensorPrimitives.Norm<double>(numbers));
    }

    // 37 numbers: whole vectors of every width and a rest.
    [Fact]
    public void Slope_of_relu_and_abs_at_special_numbers()
    {
        RequireSlopes<float>();
        RequireSlopes<double>();
    }

    private static void RequireSlopes<T>()
        where T : struct, System.Numerics.IFloatingPointIeee754<T>
    {
        T[] special = [T.Zero, -T.Zero, T.NaN, T.Epsilon, -T.Epsilon, T.PositiveInfinity, T.NegativeInfinity, T.One, -T.One];
        T[] relu = [T.Zero, T.Zero, T.Zero, T.One, T.Zero, T.One, T.Zero, T.One, T.Zero];
        T[] abs = [T.Zero, T.Zero, T.Zero, T.One, -T.One, T.One, -T.One, T.One, -T.One];
        Tensor<T> x = Tensor.Create([.. Enumerable.Range(0, 37).Select(i => special[i % 9])], [37]);
        Tensor<T> ones = Tensor.Create([.. Enumerable.Repeat(T.One, 37)], [37]);

        Assert.Equal(
            Enumerable.Range(0, 37).Select(i => double.CreateChecked(relu[i % 9])),
            Autodiff.Draw.Numbers(ForwardMode.Jvp(t => t.Relu(), x, ones).Tangent));
        Assert.Equal(
            Enumerable.Range(0, 37).Select(i => double.CreateChecked(abs[i % 9])),
            Autodiff.Draw.Numbers(ForwardMode.Jvp(t => t.Abs(), x, ones).Tangent));
    }

    private static DenseArray<float> Draw(int seed, int[] shape) => new(shape, Numbers.Uniform(seed, Shapes.Count(shape)));
}
