using System.Numerics;
using System.Numerics.Tensors;
using Onward.Autodiff;
using Onward.Kernels;

namespace Onward.Tests.Autodiff;

/// <summary>A row of the table: an operation and the shapes of its inputs.</summary>
internal sealed record Operation<T>(string Name, Func<IReadOnlyList<DualTensor<T>>, DualTensor<T>> Apply, params int[][] Shapes)
    where T : struct, IFloatingPointIeee754<T>
{
    /// <summary>True if the operation is only defined for positive numbers.</summary>
    public bool Positive { get; init; }

    /// <summary>Normal numbers, or numbers above one half if the operation needs positive ones.</summary>
    public Tensor<T>[] Inputs() => [.. Shapes.Select((shape, i) => Draw.Normals<T>((uint)i, shape, Positive))];

    /// <summary>One direction for each input.</summary>
    public Tensor<T>[] Direction(uint number) => [.. Shapes.Select((shape, i) => Draw.Normals<T>((uint)((100 * (number + 1)) + i), shape))];
}

/// <summary>Every differentiable operation. Each row is tested by all tests of <see cref="OperationTests"/>.</summary>
internal static class Operations
{
    public static IReadOnlyList<Operation<T>> All<T>()
        where T : struct, IFloatingPointIeee754<T> =>
    [
        new("add", x => x[0] + x[1], [2, 3], [2, 3]),
        new("add, broadcast", x => x[0] + x[1], [4, 2, 3], [2, 1]),
        new("subtract, broadcast", x => x[0] - x[1], [3], [2, 3]),
        new("multiply", x => x[0] * x[1], [2, 3], [2, 3]),
        new("multiply, broadcast both", x => x[0] * x[1], [4, 1, 3], [2, 1]),
        new("divide", x => x[0] / x[1], [2, 3], [2, 3]) { Positive = true },
        new("divide, broadcast", x => x[0] / x[1], [2, 3], [2, 1]) { Positive = true },
        new("number over tensor", x => T.One / x[0], [2, 3]) { Positive = true },
        new("negate", x => -x[0], [2, 3]),
        new("matrix product", x => x[0].MatMul(x[1]), [4, 3], [3, 5]),
        new("matrix product, one right factor", x => x[0].MatMul(x[1]), [2, 4, 3], [3, 5]),
        new("matrix product, batched", x => x[0].MatMul(x[1]), [2, 1, 4, 3], [5, 3, 2]),
        new("matrix product, one left factor", x => x[0].MatMul(x[1]), [4, 3], [2, 3, 5]),
        new("matrix product with itself", x => x[0].MatMul(x[0]), [3, 3]),
        new("exp", x => x[0].Exp(), [2, 3]),
        new("log", x => x[0].Log(), [2, 3]) { Positive = true },
        new("tanh", x => x[0].Tanh(), [2, 3]),
        new("sigmoid", x => x[0].Sigmoid(), [2, 3]),
        new("relu", x => x[0].Relu(), [4, 5]),
        new("abs", x => x[0].Abs(), [4, 5]),
        new("sqrt", x => x[0].Sqrt(), [2, 3]) { Positive = true },
        new("square", x => x[0].Square(), [2, 3]),
        new("power", x => x[0].Power(T.CreateChecked(1.5)), [2, 3]) { Positive = true },
        new("sum of all", x => x[0].Sum(), [2, 3]),
        new("sum over axes", x => x[0].Sum([0, -1]), [2, 3, 4]),
        new("sum, axis kept", x => x[0].Sum([1], keep: true), [2, 3, 4]),
        new("mean", x => x[0].Mean([-1]), [2, 3]),
        new("max", x => x[0].Max(1), [2, 5, 3]),
        new("log-sum-exp", x => x[0].LogSumExp(-1), [2, 5]),
        new("softmax", x => x[0].Softmax(0), [5, 2]),
        new("log-softmax", x => x[0].LogSoftmax(-1), [2, 5]),
        new("layer norm", x => x[0].LayerNorm(), [2, 3, 4]),
        new("reshape", x => x[0].Reshape(4, -1), [2, 6]),
        new("permute", x => x[0].Permute(2, 0, 1), [2, 3, 4]),
        new("transpose", x => x[0].Transpose(), [2, 3, 4]),
        new("slice", x => x[0].Slice(1, 1, 2), [2, 4, 3]),
        new("select", x => x[0].Select(-2, 3), [2, 4, 3]),
        new("gather", x => x[0].Gather(2, 0, 2, 1), [3, 2]),
        new("pick", x => x[0].Pick(2, 0, 1, 2), [2, 2, 3]),
        new("a tensor read twice", x => x[0].Tanh() * x[0] + x[1].Sum([0]) * x[0], [2, 3], [4, 3]),
        new("concatenate", x => DualTensor.Concatenate(1, x[0], x[1], x[0]), [2, 1, 3], [2, 4, 3]),
        new("stop one of two paths", x => x[0] * x[1].StopGradient() + x[1], [2, 3], [2, 3]) { Positive = true },
    ];
}

/// <summary>Seeded numbers for tests.</summary>
internal static class Draw
{
    public static Tensor<T> Normals<T>(uint number, int[] shape, bool positive = false)
        where T : struct, IFloatingPointIeee754<T>
    {
        float[] noise = new float[shape.Aggregate(1, (product, size) => product * size)];
        CounterRandom.Normals(new(5, RandomPurpose.Data, number), 0, noise);
        return Tensor.Create(
            [.. noise.Select(z => T.CreateChecked(positive ? 0.5f + MathF.Abs(z) : z))], [.. shape.Select(size => (nint)size)]);
    }

    public static int[] Shape<T>(Tensor<T> tensor) => [.. tensor.Lengths.ToArray().Select(length => (int)length)];

    public static double[] Numbers<T>(Tensor<T> tensor)
        where T : struct, IFloatingPointIeee754<T>
    {
        T[] numbers = new T[tensor.FlattenedLength];
        tensor.FlattenTo(numbers);
        return [.. numbers.Select(double.CreateChecked)];
    }
}
