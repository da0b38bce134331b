using Onward.Kernels;
using Onward.Layers;
using Onward.Models;

namespace Onward.Tests.Networks;

/// <summary>Small networks that LocalMixer cannot express, each with drawn parameters and a batch.</summary>
internal sealed class AnyNetwork
{
    public const int Images = 3, Classes = 3;

    private static readonly ExampleShape Vector = ExampleShape.Vector(7), Image = new(4, 4, 2);

    // Networks that predict the next token at each position.
    private static readonly string[] OfTokens = ["next tokens", "next tokens of a perceptron"];

    private static readonly Dictionary<string, (ExampleShape Input, Func<Block[]> Blocks)> All = new()
    {
        ["perceptron"] = (Vector, () =>
        [
            new(new Linear(7, 6), new LayerNorm(6), new Relu()) { Groups = 3 },
            new(new Residual(new Linear(6, 6), new LayerNorm(6)), new Relu()) { Groups = 2 },
        ]),
        ["bare linear layers"] = (Vector, () =>
        [
            new(new Linear(7, 5), new Relu(), new Linear(5, 6), new Relu(), new Linear(6, 4)) { Groups = 2 },
        ]),
        ["image without flattening"] = (Image, () =>
        [
            new(new Linear(2, 4), new LayerNorm(4), new Relu(), new Flatten(), new Linear(64, 6)),
        ]),
        ["flattened image"] = (Image, () =>
        [
            new(new Flatten(), new Linear(32, 8), new Relu()),
            new(new LayerNorm(8), new Linear(8, 6), new Silu()) { Groups = 2, FeatureNorm = new LayerNorm(3) },
        ]),
        ["smooth activations"] = (Vector, () =>
        [
            new(new Linear(7, 6), new LayerNorm(6), new Silu(), new Linear(6, 6), new Silu()) { Groups = 3 },
            new(new Linear(6, 4), new LayerNorm(4), new Silu()) { Groups = 2 },
        ]),
        ["root mean square and Gaussian units"] = (Vector, () =>
        [
            new(new Linear(7, 6), new RmsNorm(6), new Gelu(), new Linear(6, 6), new RmsNorm(3), new Relu()) { Groups = 2 },
            new(new RmsNorm(6), new Linear(6, 4), new Gelu(GeluApproximation.Tanh)) { Groups = 2 },
        ]),
        ["groups over positions"] = (new ExampleShape(3, 2, 4), () =>
        [
            new(new Linear(4, 6), new GroupNorm(3, 6), new Relu(), new GroupedLinear(3, 2), new Relu()) { Groups = 3 },
            new(new GroupNorm(2, 6, 0.1f), new Residual(new Linear(6, 6), new GroupNorm(1, 6)), new Gelu()) { Groups = 2 },
        ]),
        ["nested residuals"] = (Vector, () =>
        [
            new(
                new Linear(7, 6),
                new LayerNorm(6),
                new Residual(new Relu(), new Residual(new Linear(6, 6), new Silu()), new Linear(6, 6), new LayerNorm(3)),
                new Relu()) { Groups = 2 },
            new(new Residual(new Residual(new LayerNorm(6), new Linear(6, 6), new LayerNorm(6)), new Relu(), new Linear(6, 12))),
        ]),
        ["positions mixed twice"] = (Image, () =>
        [
            new(
                new ImagePatches(2, Image),
                new Linear(8, 6),
                new LayerNorm(6),
                new Relu(),
                new TokenMixing(4, 6),
                new LayerNorm(6),
                new Relu(),
                new GroupedLinear(3, 2),
                new LayerNorm(2, 0.1f), // two nearly equal numbers would amplify rounding
                new Relu()) { Groups = 3, FeatureNorm = new LayerNorm(2, 0.1f) },
        ]),
        ["convolutions"] = (Image, () =>
        [
            new(new Linear(2, 4), new LayerNorm(4), new Relu(), new DepthwiseConvolution(4, 3, 4), new LayerNorm(2), new Relu())
            {
                Groups = 2,
            },
            new(new DepthwiseConvolution(4, 3, 4), new Relu(), new DepthwiseConvolution(4, 3, 4), new Relu(), new GroupedLinear(2, 2))
            {
                Groups = 2,
            },
        ]),
        ["convolutions that mix channels"] = (new ExampleShape(4, 3, 2), () =>
        [
            new(new Conv2d(2, 4, 3, padding: 1), new LayerNorm(2, 0.1f), new Relu(), new Conv2d(4, 4, 3, padding: 1, groups: 2), new Relu())
            {
                Groups = 2,
            },
            new(
                new Residual(new Conv2d(4, 4, 1), new LayerNorm(4), new Relu(), new Conv2d(4, 4, 3, padding: 1), new LayerNorm(4)),
                new Relu()),
        ]),
        ["convolutions of other grids"] = (new ExampleShape(5, 4, 2), () =>
        [
            new(new Conv2d(2, 4, 3, 2, 1), new LayerNorm(4), new Relu(), new Conv2d(4, 6, 2), new LayerNorm(6), new Relu())
            {
                Groups = 3,
            },
            new(new Conv2d(6, 4, 2, padding: 1, groups: 2), new Gelu(), new Flatten(), new Linear(24, 4), new Relu()) { Groups = 2 },
        ]),
        ["chain of convolutions"] = (new ExampleShape(3, 4, 2), () =>
        [
            new(new Conv2d(2, 4, 3, 1, 1), new LayerNorm(4), new Relu(), new Conv2d(4, 4, 1), new LayerNorm(4), new Relu()) { Groups = 2 },
            new(new Conv2d(4, 4, 3, 1, 1), new LayerNorm(4), new Gelu(), new Conv2d(4, 4, 1, groups: 2), new Relu()) { Groups = 2 },
        ]),
        ["mean of windows"] = (new ExampleShape(5, 4, 2), () =>
        [
            new(new Conv2d(2, 4, 3, 1, 1), new LayerNorm(4), new Relu(), new AvgPool2d(2), new Linear(4, 4), new Gelu()) { Groups = 2 },
            new(new AvgPool2d(2, stride: 1, padding: 1), new GroupedLinear(2, 2), new AvgPool2d(3, stride: 1, padding: 1), new Relu())
            {
                Groups = 2,
            },
        ]),
        ["largest of windows"] = (new ExampleShape(4, 5, 2), () =>
        [
            new(new Conv2d(2, 4, 3, padding: 1), new LayerNorm(4), new MaxPool2d(3, stride: 2, padding: 1), new Relu(), new Linear(4, 4))
            {
                Groups = 2,
            },
            new(new MaxPool2d(2, stride: 1), new GroupedLinear(2, 2), new MaxPool2d(1, stride: 2), new Silu()) { Groups = 2 },
        ]),
        ["transformer"] = (new ExampleShape(3, 2, 4), () =>
        [
            new(
                new Residual(new LayerNorm(4), new Linear(4, 12), new Attention(2), new Linear(4, 4)),
                new Residual(new LayerNorm(4), new Linear(4, 8), new Gelu(), new Linear(8, 4))) { Groups = 2 },
            new(new RmsNorm(4), new Linear(4, 12), new Attention(1, causal: true), new LayerNorm(4), new Linear(4, 4), new Relu()),
        ]),
        ["embeddings"] = (new ExampleShape(4, 1, 1), () =>
        [
            new(
                new Embedding(5, 6, positions: 4),
                new Residual(new LayerNorm(6), new Linear(6, 18), new Attention(3, causal: true), new Linear(6, 6))) { Groups = 2 },
            new(new Residual(new LayerNorm(6), new Linear(6, 8), new Gelu(), new Linear(8, 6))) { FeatureNorm = new LayerNorm(6) },
        ]),
        ["embeddings in front of a normalisation"] = (new ExampleShape(3, 1, 1), () =>
        [
            new(new Embedding(4, 6, positions: 3), new LayerNorm(3), new Relu(), new Linear(6, 4)) { Groups = 2 },
        ]),
        ["embeddings without positions"] = (new ExampleShape(2, 3, 1), () =>
        [
            new(new Embedding(4, 6), new RmsNorm(6), new Relu()) { Groups = 3 },
            new(new TokenMixing(6, 6), new Gelu()) { Groups = 2 },
        ]),
        ["patches with positions"] = (new ExampleShape(4, 4, 1), () =>
        [
            new(
                new ImagePatches(2, new ExampleShape(4, 4, 1)),
                new Linear(4, 6, positions: 4),
                new Residual(new LayerNorm(6), new Linear(6, 18), new Attention(3), new Linear(6, 6))) { Groups = 2 },
            new(new Residual(new LayerNorm(6), new Linear(6, 6, positions: 4), new Relu())) { Groups = 3 },
        ]),
        ["next tokens"] = (new ExampleShape(4, 1, 1), () =>
        [
            new(
                new Embedding(3, 6, positions: 4),
                new Residual(new LayerNorm(6), new Linear(6, 18), new Attention(3, causal: true), new Linear(6, 6))) { Groups = 2 },
            new(
                new Residual(new LayerNorm(6), new Linear(6, 18), new Attention(2, causal: true), new Linear(6, 6)),
                new Residual(new LayerNorm(6), new Linear(6, 8), new Gelu(), new Linear(8, 6))) { FeatureNorm = new LayerNorm(6) },
        ]),
        ["next tokens of a perceptron"] = (new ExampleShape(3, 1, 1), () =>
        [
            new(new Embedding(3, 6), new LayerNorm(6), new Relu(), new Linear(6, 4)) { Groups = 2, FeatureNorm = new LayerNorm(2, 0.1f) },
            new(new Linear(4, 6), new LayerNorm(6), new Relu()),
        ]),
        ["normalised parts of groups"] = (Image, () =>
        [
            new(new Linear(2, 8), new LayerNorm(8), new Relu()) { Groups = 2, FeatureNorm = new LayerNorm(2) },
            new(new Linear(8, 4), new Relu()) { FeatureNorm = new LayerNorm(2) },
        ]),
        ["narrowing grid"] = (Image, () =>
        [
            new(new Linear(2, 4), new LayerNorm(4), new Relu(), new GridPooling(PatchPooling.Average, 4, 2, 4), new Linear(4, 4))
            {
                Groups = 2,
            },
            new(
                new GridPooling(PatchPooling.Average, 2, 2, 4),
                new Residual(new LayerNorm(4), new Linear(4, 8), new LayerNorm(4)),
                new Relu()),
        ]),
    };

    private AnyNetwork(ExampleShape input, Block[] blocks, int projection, bool predictsNextToken)
    {
        int examples = projection > 0 ? 2 * Images : Images;
        Model = new Network(input, blocks, Classes, new() { Projection = projection, PredictsNextToken = predictsNextToken });
        DrawParameters(Model, seed: 7);
        Pixels = new float[examples * input.Length];
        CounterRandom.Normals(new RandomStream(8, RandomPurpose.Data), 0, Pixels);
        if (blocks[0].Layers[0] is Embedding embedding)
        {
            Pixels = [.. Pixels.Select(normal => MathF.Floor(MathF.Abs(normal) * 100) % embedding.NumEmbeddings)];
        }

        Labels = [.. Enumerable.Range(0, examples * Model.HeadRows).Select(n => (n + 2) % Classes)];
    }

    public static IEnumerable<string> Names => All.Keys;

    public Network Model { get; }

    public float[] Pixels { get; }

    public int[] Labels { get; }

    /// <summary>Draws all parameters, biases and heads among them.</summary>
    public static void DrawParameters(Network model, ulong seed)
    {
        CounterRandom.Normals(new RandomStream(seed, RandomPurpose.Initialization), 0, model.Values.All);
        foreach (ref float value in model.Values.All)
        {
            value *= 0.5f;
        }

        model.Values.MarkChanged();
    }

    public static AnyNetwork Create(string name, int projection = 0) =>
        new(All[name].Input, All[name].Blocks(), projection, OfTokens.Contains(name));
}
