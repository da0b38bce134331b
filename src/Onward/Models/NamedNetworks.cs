using Onward.Layers;

namespace Onward.Models;

/// <summary>
/// Networks of other papers by their names, made of this library's layers, for images of any size. All have layer normalisation, because
/// no layer here mixes the examples of a batch, and no dropout.
/// </summary>
public static class NamedNetworks
{
    private static readonly Dictionary<string, Func<ExampleShape, IReadOnlyList<Block>>> Makers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["mlp"] = Perceptron,
        ["vgg8b"] = Vgg8b,
        ["resmlp"] = ResMlp,
        ["vit-tiny"] = VisionTransformer,
    };

    /// <summary>The name of the network of text (<see cref="GptMini"/>).</summary>
    public const string OfText = "gpt-mini";

    /// <summary>The names of the networks of images, smallest network first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Makers.Keys];

    /// <summary>Makes the blocks of a network.</summary>
    /// <param name="name">A name of <see cref="Names"/>, in any case.</param>
    /// <param name="image">The shape of an image.</param>
    /// <exception cref="ArgumentException">There is no such network, or it does not take such images.</exception>
    public static IReadOnlyList<Block> BlocksOf(string name, ExampleShape image) => Makers.TryGetValue(name, out var make)
        ? make(image)
        : throw new ArgumentException($"There is no network '{name}'; the networks are {string.Join(", ", Names)}.");

    /// <summary>
    /// Makes a small causal transformer that predicts the next token: three layers of width 64 with four heads, in the form of GPT-2
    /// (Radford et al. 2019). The embedding, each attention and each feed-forward part is a block with losses of its own, so that few
    /// layers lie in front of a loss. A normalisation in front of attention and activation gives all noise the same scale.
    /// </summary>
    /// <param name="context">Tokens of a window.</param>
    /// <param name="tokens">Different tokens.</param>
    public static IReadOnlyList<Block> GptMini(int context, int tokens)
    {
        const int Width = 64, Depth = 3, Heads = 4;
        List<Block> blocks = [Of(new Embedding(tokens, Width, context))];
        for (int k = 0; k < Depth; k++)
        {
            blocks.Add(Of(new Residual(
                new LayerNorm(Width),
                new Linear(Width, 3 * Width),
                new LayerNorm(Width / Heads),
                new Attention(Heads, causal: true),
                new Linear(Width, Width))));
            blocks.Add(Of(new Residual(
                new LayerNorm(Width),
                new Linear(Width, 4 * Width),
                new LayerNorm(4 * Width),
                new Gelu(),
                new Linear(4 * Width, Width))));
        }

        return blocks;

        static Block Of(Layer layer) => new(layer) { Groups = 8, FeatureNorm = new LayerNorm(Width / 8) };
    }

    // 512 and 512 hidden units.
    private static IReadOnlyList<Block> Perceptron(ExampleShape image)
    {
        const int Hidden = 512, Groups = 16;
        return
        [
            new(new Flatten(), new Linear(image.Length, Hidden), new LayerNorm(Hidden), new Relu()) { Groups = Groups },
            new(new Linear(Hidden, Hidden), new LayerNorm(Hidden), new Relu()) { Groups = Groups },
        ];
    }

    // Nokland and Eidnes 2019, VGG8B: each layer learns from a loss of its own.
    private static List<Block> Vgg8b(ExampleShape image)
    {
        const int Hidden = 1024;
        (int Channels, bool Pools)[] layers = [(128, false), (256, true), (256, false), (512, true), (512, true), (512, true)];
        List<Block> blocks = [];
        ExampleShape shape = image;
        foreach ((int channels, bool pools) in layers)
        {
            Layer[] block =
            [
                new Conv2d(shape.Channels, channels, kernelSize: 3, padding: 1), new LayerNorm(channels), new Relu(),
                .. pools ? [new MaxPool2d(kernelSize: 2, stride: 2)] : Array.Empty<Layer>(),
            ];
            shape = block.Aggregate(shape, (input, layer) => layer.OutputOf(input));
            blocks.Add(new(block) { Groups = ConvolutionGroups });
        }

        blocks.Add(
            new(new Flatten(), new Linear(shape.Length, Hidden), new LayerNorm(Hidden), new Relu()) { Groups = ConvolutionGroups });
        return blocks;
    }

    // Touvron et al. 2021, ResMLP-S12 at half of its width and depth: layer normalisation takes the place of the affine maps.
    private static IReadOnlyList<Block> ResMlp(ExampleShape image)
    {
        const int Width = 192, Depth = 6;
        int grid = GridOf(image);
        return
        [
            PatchEmbedding(image, grid, Width),
            .. Enumerable.Range(0, Depth).Select(_ => new Block(
                new Residual(new LayerNorm(Width), new TokenMixing(grid * grid, Width)),
                FeedForward(Width)) { Groups = TransformerGroups }),
        ];
    }

    // Touvron et al. 2021, DeiT-Ti; the mean over the patches takes the place of the class token.
    private static IReadOnlyList<Block> VisionTransformer(ExampleShape image)
    {
        const int Width = 192, Depth = 12, Heads = 3;
        int grid = GridOf(image);
        return
        [
            PatchEmbedding(image, grid, Width),
            .. Enumerable.Range(0, Depth).Select(_ => new Block(
                new Residual(new LayerNorm(Width), new Linear(Width, 3 * Width), new Attention(Heads), new Linear(Width, Width)),
                FeedForward(Width)) { Groups = TransformerGroups }),
        ];
    }

    private const int ConvolutionGroups = 8;
    private const int TransformerGroups = 12;

    // Each position has a bias of its own: the patch's place in the image.
    private static Block PatchEmbedding(ExampleShape image, int grid, int width) =>
        new(new ImagePatches(grid, image), new Linear(image.Length / (grid * grid), width, grid * grid)) { Groups = TransformerGroups };

    private static Residual FeedForward(int width) =>
        new(new LayerNorm(width), new Linear(width, 4 * width), new Gelu(), new Linear(4 * width, width));

    // Patches of 4 pixels, and of 16 in photographs.
    private static int GridOf(ExampleShape image)
    {
        int patch = image.Height >= 128 ? 16 : 4;
        return image.Height == image.Width && image.Height % patch == 0
            ? image.Height / patch
            : throw new ArgumentException($"Patches of {patch}x{patch} pixels do not divide images of {image}. Choose another size.");
    }
}
