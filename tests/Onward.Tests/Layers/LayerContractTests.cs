using System.Numerics.Tensors;
using Onward.Laboratory;
using Onward.Layers;

namespace Onward.Tests.Layers;

/// <summary>
/// Every layer without parameters keeps the contract, and faults in a layer are named. Affine layers keep it in
/// <see cref="AffineLayerTests"/>.
/// </summary>
public sealed class LayerContractTests
{
    private static readonly Dictionary<string, (Func<Layer> Create, ExampleShape Input)> Cases = new()
    {
        ["LayerNorm"] = (() => new LayerNorm(16), new(2, 3, 32)),
        ["LayerNorm, uneven"] = (() => new LayerNorm(150), new(2, 3, 150)),
        ["RmsNorm"] = (() => new RmsNorm(16), new(2, 3, 32)),
        ["RmsNorm, uneven"] = (() => new RmsNorm(150), new(2, 3, 150)),
        ["RmsNorm, small"] = (() => new RmsNorm(3), new(2, 3, 15)),
        ["GroupNorm"] = (() => new GroupNorm(3, 12), new(3, 2, 12)),
        ["GroupNorm of a vector"] = (() => new GroupNorm(2, 12), ExampleShape.Vector(12)),
        ["GroupNorm, each channel"] = (() => new GroupNorm(5, 5), new(3, 4, 5)),
        ["Relu"] = (() => new Relu(), new(2, 2, 21)),
        ["Dropout"] = (() => new Dropout(0.3), new(2, 2, 21)),
        ["Silu"] = (() => new Silu(), new(2, 2, 21)),
        ["Gelu"] = (() => new Gelu(), new(2, 2, 21)),
        ["Gelu, tanh"] = (() => new Gelu(GeluApproximation.Tanh), new(2, 2, 21)),
        ["ImagePatches"] = (() => new ImagePatches(3, new(7, 7, 2)), new(7, 7, 2)),
        ["MaxPool2d"] = (() => new MaxPool2d(2), new(6, 5, 3)),
        ["MaxPool2d, same grid"] = (() => new MaxPool2d(3, 1, 1), new(4, 5, 21)),
        ["MaxPool2d, larger grid"] = (() => new MaxPool2d(2, 1, 1), new(3, 2, 4)),
        ["Attention"] = (() => new Attention(2), new(3, 2, 24)),
        ["Attention, causal"] = (() => new Attention(1, causal: true), new(1, 7, 15)),
        ["Attention, causal, of a sequence"] = (() => new Attention(2, causal: true), new(9, 1, 12)),
        ["Attention, causal, of a grid"] = (() => new Attention(1, causal: true), new(3, 4, 6)),
        ["Attention of many positions"] = (() => new Attention(3), new(5, 8, 18)),
        ["AvgPool2d"] = (() => new AvgPool2d(2), new(6, 5, 3)),
        ["AvgPool2d, same grid"] = (() => new AvgPool2d(3, 1, 1), new(4, 5, 21)),
        ["AvgPool2d, stride"] = (() => new AvgPool2d(3, 2, 1), new(6, 5, 2)),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_layer_keeps_the_contract(string name) =>
        Assert.Empty(LayerContract.FaultsOf(Cases[name].Create(), Cases[name].Input));

    [Theory]
    [InlineData("wrong tangent", "tangent: it differs from central differences")]
    [InlineData("wrong transpose", "transpose: <g, J v> is")]
    [InlineData("reads its neighbour", "reach: channel")]
    [InlineData("depends on the call", "rows or examples in a call")]
    [InlineData("allocates", "values and derivatives allocate")]
    public void A_fault_is_named(string fault, string message) => Assert.Contains(
        LayerContract.FaultsOf(new Faulty(fault), new(2, 2, 4)),
        line => line.StartsWith("Faulty of 2 x 2 x 4: ", StringComparison.Ordinal) && line.Contains(message, StringComparison.Ordinal));

    [Fact]
    public void A_layer_without_faults_of_the_users_own_passes() => Assert.Empty(LayerContract.FaultsOf(new Faulty(""), new(2, 2, 4)));

    [Fact]
    public void A_layer_of_layers_is_refused() => Assert.StartsWith(
        "Residual(Relu) has no arithmetic of its own",
        Assert.Throws<ArgumentException>(() => LayerContract.FaultsOf(new Residual(new Relu()), new(2, 2, 4))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void An_example_layer_of_the_users_own_is_checked_with_its_grid()
    {
        Assert.Empty(LayerContract.FaultsOf(new MeanOfRows(Reach.Everywhere), new(3, 2, 4)));
        Assert.Equal(
            [
                "MeanOfRows of 3 x 2 x 4: reach: channel 0 at row 2, column 0 of the input changes channel 0 at row 0, column 0 of the "
                + "output, outside the declared places (y - 1) / 1 to (y + 1) / 1, runs of 1 channels.",
            ],
            LayerContract.FaultsOf(new MeanOfRows(new Reach(1, 1)), new(3, 2, 4)));
    }

    [Theory]
    [InlineData(3, 2, 1, false)]
    [InlineData(4, 2, 1, false)]
    [InlineData(2, 2, 1, true)]
    [InlineData(3, 2, 0, true)]
    [InlineData(3, 3, 1, true)]
    [InlineData(2, 1, 1, true)]
    public void A_declared_window_must_contain_the_real_one(int kernelSize, int stride, int padding, bool isFault)
    {
        IReadOnlyList<string> faults = LayerContract.FaultsOf(new Windows(Reach.OfWindows(kernelSize, stride, padding, 1)), new(7, 6, 2));

        Assert.Equal(isFault, faults.Any(fault => fault.StartsWith("Windows of 7 x 6 x 2: reach: channel", StringComparison.Ordinal)));
        Assert.Equal(isFault ? 1 : 0, faults.Count);
    }

    // The mean of windows of 3 positions along each side, 2 apart, with 1 place beyond each edge.
    private sealed class Windows(Reach reach) : ExampleLayer
    {
        private readonly AvgPool2d _pooling = new(3, 2, 1);

        public override Reach Reach => reach;

        public override ExampleShape OutputOf(ExampleShape input) => _pooling.OutputOf(input);

        public override void Apply(in ExampleValues example, Span<float> output) => _pooling.Apply(example, output);

        public override void ApplyTangent(in ExampleValues example, ReadOnlySpan<float> tangent, Span<float> result) =>
            _pooling.ApplyTangent(example, tangent, result);

        public override void ApplyTranspose(in ExampleValues example, ReadOnlySpan<float> gradient, Span<float> result) =>
            _pooling.ApplyTranspose(example, gradient, result);

        public override string ToString() => "Windows";
    }

    // The mean over the rows of the grid.
    private sealed class MeanOfRows(Reach reach) : ExampleLayer
    {
        public override Reach Reach => reach;

        public override ExampleShape OutputOf(ExampleShape input) => input with { Height = 1 };

        public override void Apply(in ExampleValues example, Span<float> output) => Average(example.Input, output, example.Shape);

        public override void ApplyTangent(in ExampleValues example, ReadOnlySpan<float> tangent, Span<float> result) =>
            Average(tangent, result, example.Shape);

        public override void ApplyTranspose(in ExampleValues example, ReadOnlySpan<float> gradient, Span<float> result)
        {
            for (; !result.IsEmpty; result = result[gradient.Length..])
            {
                TensorPrimitives.Divide(gradient, example.Shape.Height, result);
            }
        }

        public override string ToString() => "MeanOfRows";

        private static void Average(ReadOnlySpan<float> rows, Span<float> mean, ExampleShape shape)
        {
            mean.Clear();
            for (; !rows.IsEmpty; rows = rows[mean.Length..])
            {
                TensorPrimitives.Add(mean, rows[..mean.Length], mean);
            }

            TensorPrimitives.Divide(mean, shape.Height, mean);
        }
    }

    // y = x^2 / 2, with a fault.
    private sealed class Faulty(string fault) : RowLayer
    {
        public override DerivativeSource DerivativeSource => DerivativeSource.Input;

        public override Reach Reach => Reach.Same;

        public override void Apply(ReadOnlySpan<float> input, Span<float> output, Span<float> state)
        {
            float first = fault == "allocates" ? new float[input.Length].Length : input[0];
            TensorPrimitives.Multiply(input, input, output);
            TensorPrimitives.Multiply(output, fault == "depends on the call" && input.Length > 4 ? 0.6f : 0.5f, output);
            output[1] += fault == "reads its neighbour" ? first : 0;
        }

        public override void ApplyTangent(
            ReadOnlySpan<float> source, ReadOnlySpan<float> state, ReadOnlySpan<float> tangent, Span<float> result)
        {
            TensorPrimitives.Multiply(source, tangent, result);
            TensorPrimitives.Multiply(result, fault == "wrong tangent" ? 1.1f : 1, result);
        }

        public override void ApplyTranspose(
            ReadOnlySpan<float> source, ReadOnlySpan<float> state, ReadOnlySpan<float> gradient, Span<float> result)
        {
            TensorPrimitives.Multiply(source, gradient, result);
            TensorPrimitives.Multiply(result, fault == "wrong transpose" ? 1.1f : 1, result);
        }

        public override string ToString() => "Faulty";
    }
}
