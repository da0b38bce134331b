using Onward.Data;
using Onward.Layers;
using Onward.Models;
using Onward.Tests;
using Onward.Training;

namespace Onward.Onnx.Tests;

/// <summary>Networks of every layer answer in ONNX Runtime as in the library.</summary>
public sealed class LayerTests
{
    private static readonly ExampleShape Input = new(6, 5, 3);

    private static readonly Dictionary<string, Func<Layer[]>> Cases = new()
    {
        ["Gelu"] = () => [new Linear(3, 16), new LayerNorm(16), new Gelu()],
        ["Gelu by tanh"] = () => [new Linear(3, 16), new LayerNorm(16), new Gelu(GeluApproximation.Tanh)],
        ["Linear of positions"] = () => [new Linear(3, 16, positions: 30), new LayerNorm(16), new Relu()],
        ["Dropout"] = () => [new Linear(3, 16), new LayerNorm(16), new Relu(), new Dropout()],
        ["Silu"] = () => [new Linear(3, 16), new LayerNorm(16), new Silu()],
        ["RmsNorm"] = () => [new Linear(3, 16), new RmsNorm(16), new Relu(), new RmsNorm(8, 0.1f)],
        ["GroupNorm"] = () => [new Linear(3, 16), new GroupNorm(4, 16, 0.1f), new Relu()],
        ["Conv2d"] = () => [new Conv2d(3, 16, 3, padding: 1), new LayerNorm(16), new Relu()],
        ["Conv2d of stride"] = () => [new Conv2d(3, 16, 3, stride: 2, padding: 1), new LayerNorm(16), new Relu(), new Conv2d(16, 8, 1)],
        ["Attention"] = () => [new Linear(3, 24), new LayerNorm(24), new Attention(2), new Linear(8, 8)],
        ["Attention, causal"] = () => [new Linear(3, 24), new LayerNorm(24), new Attention(4, causal: true), new Linear(8, 8)],
        ["MaxPool2d"] = () => [new Linear(3, 8), new LayerNorm(8), new MaxPool2d(2), new Linear(8, 8)],
        ["MaxPool2d of stride"] = () => [new Linear(3, 8), new LayerNorm(8), new MaxPool2d(3, stride: 2, padding: 1), new Linear(8, 8)],
        ["AvgPool2d"] = () => [new Linear(3, 8), new LayerNorm(8), new AvgPool2d(2), new Linear(8, 8)],
        ["AvgPool2d of stride"] = () => [new Linear(3, 8), new LayerNorm(8), new AvgPool2d(3, stride: 2, padding: 1), new Linear(8, 8)],
        ["Conv2d in groups"] = () => [new Conv2d(3, 12, 2), new LayerNorm(12), new Relu(), new Conv2d(12, 8, 3, padding: 2, groups: 4)],
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Outputs_agree(string name)
    {
        Network model = SameOutputs.Draw(
            new Network(Input, [new(new Linear(3, 3)), new(Cases[name]()), new(new Flatten(), Last(name))], classes: 4));
        ImageDescription images = new(["a", "b", "c", "d"], [0.25f, 0.5f, 0.75f], [0.2f, 0.25f, 0.3f]);
        using Onnx onnx = new(model, images);

        SameOutputs.Require(model, images, onnx, examples: 5, first: 0);
    }

    [Theory]
    [InlineData("mlp")]
    [InlineData("conv")]
    [InlineData("transformer")]
    public void The_networks_among_the_samples_agree_on_1000_images(string name)
    {
        NetworkFile file = NetworkFile.Read(Checkout.PathOf("samples", "networks", name + ".json"));
        ExampleShape input = file.Input!.Value;
        Network model = SameOutputs.Draw(file.Build(input, file.Classes!.Value));
        ImageDescription images = new(
            [.. Enumerable.Range(0, model.Classes).Select(label => $"{label}")],
            [.. Enumerable.Repeat(0.5f, input.Channels)],
            [.. Enumerable.Repeat(0.25f, input.Channels)]);
        using Onnx onnx = new(model, images);

        SameOutputs.Require(model, images, onnx, examples: 1000, first: 0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    public void Embeddings_agree(int positions)
    {
        Network model = SameOutputs.Draw(
            new Network(
                new(6, 1, 1),
                [
                    new(new Embedding(9, 8, positions), new LayerNorm(8), new Linear(8, 24), new Attention(2, causal: true)),
                    new(new Flatten(), new Linear(48, 8)),
                ],
                classes: 4));
        ImageDescription tokens = new(["a", "b", "c", "d"], [0], [1]);
        using Onnx onnx = new(model, tokens);

        SameOutputs.Require(model, tokens, onnx, examples: 5, first: 0);
    }

    [Fact]
    public void Predictions_of_the_next_token_agree()
    {
        Network model = SameOutputs.Draw(
            new Network(
                new(6, 1, 1),
                [
                    new(new Embedding(4, 8, 6), new Residual(new LayerNorm(8), new Linear(8, 24), new Attention(2, causal: true))),
                    new(new Linear(8, 8), new Gelu()) { FeatureNorm = new LayerNorm(4) },
                ],
                classes: 4,
                new() { PredictsNextToken = true }));
        ImageDescription tokens = new(["a", "b", "c", "d"], [0], [1]);
        using Onnx onnx = new(model, tokens);

        SameOutputs.Require(model, tokens, onnx, examples: 5, first: 0);
    }

    // A block that reads all numbers of the block before.
    private static Linear Last(string name) =>
        new(Cases[name]().Aggregate(Input, (shape, layer) => layer.OutputOf(shape)).Length, 8);
}
