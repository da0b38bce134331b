using Onward.Layers;
using Onward.Models;

namespace Onward.Tests.Networks;

/// <summary>Small networks of random layers, each a function of its seed.</summary>
internal static class RandomNetworks
{
    // With less, the gradients of two numbers behind two normalisations nearly vanish, and rounding is all that is left of them.
    private const float Epsilon = 1;

    /// <summary>Builds a network of one to three blocks.</summary>
    public static Network Create(int seed)
    {
        Random random = new(seed);
        int side = random.Next(1, 5), width = random.Next(2) == 0 ? random.Next(1, 7) : side;
        ExampleShape input = new(side, width, 2 * random.Next(1, 4)), shape = input;
        List<Block> blocks = [];
        for (int k = random.Next(1, 4); k > 0; k--)
        {
            List<Layer> layers = [];
            int count = random.Next(1, 4);
            for (int i = 0; i < count; i++)
            {
                shape = Append(layers, shape, random, nested: false);
            }

            int groups = Divisor(shape.Channels, random, least: 1);
            int size = shape.Channels / groups;
            blocks.Add(new Block(layers)
            {
                Groups = groups,
                FeatureNorm = size >= 2 && random.Next(2) == 0 ? new LayerNorm(size, Epsilon) : null,
            });
        }

        return new Network(input, blocks, classes: 3);
    }

    // An affine layer with what may stand before and behind it.
    private static ExampleShape Append(List<Layer> layers, ExampleShape shape, Random random, bool nested)
    {
        if (!nested && shape.Positions > 1 && random.Next(3) == 0)
        {
            shape = Add(layers, random.Next(shape.Height == shape.Width ? 6 : 4) switch
            {
                0 => new Flatten(),
                4 => new GridPooling((PatchPooling)random.Next(2), shape.Height, random.Next(1, 4), shape.Channels),
                5 => new ImagePatches(random.Next(1, shape.Height + 1), shape),
                _ => Pooling(shape, random),
            }, shape);
        }

        if (!nested && random.Next(4) == 0)
        {
            List<Layer> inner = [];
            ExampleShape before = shape, after = Append(inner, shape, random, nested: true);
            if (after.Channels % before.Channels == 0)
            {
                layers.Add(new Residual(inner));
                return Add(layers, new Relu(), after);
            }
        }

        if (random.Next(6) == 0)
        {
            int channels = 2 * random.Next(1, 4);
            shape = Add(layers, new Linear(shape.Channels, 3 * channels), shape);
            shape = Add(layers, new Attention(Divisor(channels, random, least: 1), causal: random.Next(2) == 0), shape);
        }

        if (random.Next(3) == 0)
        {
            shape = Add(layers, random.Next(3) switch
            {
                0 => new RmsNorm(shape.Channels, Epsilon),
                1 => new GroupNorm(shape.Channels / 2, shape.Channels, Epsilon),
                _ => new LayerNorm(shape.Channels, Epsilon),
            }, shape);
        }

        shape = Add(layers, random.Next(6) switch
        {
            0 when shape.Channels % 2 == 0 => new GroupedLinear(shape.Channels / 2, 2),
            1 => new TokenMixing(shape.Positions, shape.Channels),
            2 when shape.Height == shape.Width => new DepthwiseConvolution(shape.Height, random.Next(2) == 0 ? 1 : 3, shape.Channels),
            3 => SameGrid(shape, random),
            4 when !nested => OtherGrid(shape, random),
            _ => new Linear(shape.Channels, 2 * random.Next(1, 5)),
        }, shape);
        if (random.Next(2) == 0)
        {
            int size = shape.Channels / Divisor(shape.Channels / 2, random, least: 1);
            shape = Add(layers, random.Next(3) switch
            {
                0 => new RmsNorm(size, Epsilon),
                1 => new GroupNorm(shape.Channels / size, shape.Channels, Epsilon),
                _ => new LayerNorm(size, Epsilon),
            }, shape);
        }

        return random.Next(5) switch
        {
            0 => shape,
            1 => Add(layers, new Silu(), shape),
            2 => Add(layers, new Gelu((GeluApproximation)random.Next(2)), shape),
            _ => Add(layers, new Relu(), shape),
        };
    }

    // Convolutions whose reach is a window, of groups or of all channels.
    private static Conv2d SameGrid(ExampleShape shape, Random random)
    {
        int kernel = random.Next(2) == 0 ? 1 : 3, groups = random.Next(2) == 0 ? 1 : Divisor(shape.Channels, random, least: 1);
        int outputs = random.Next(2) == 0 ? shape.Channels : groups * random.Next(1, 4) * (groups % 2 == 0 ? 1 : 2);
        return new(shape.Channels, outputs, kernel, stride: 1, padding: kernel / 2, groups);
    }

    private static Conv2d OtherGrid(ExampleShape shape, Random random)
    {
        (int kernel, int stride, int padding) = Windows(shape, random);
        return new(shape.Channels, 2 * random.Next(1, 4), kernel, stride, padding);
    }

    /// <summary>Draws a pooling of windows that have a place on the grid.</summary>
    public static Pool2d Pooling(ExampleShape shape, Random random)
    {
        (int kernel, int stride, int padding) = Windows(shape, random);
        return random.Next(2) == 0 ? new MaxPool2d(kernel, stride, padding) : new AvgPool2d(kernel, stride, padding);
    }

    /// <summary>Draws windows larger and smaller than their stride, at least one of which has a place on the grid.</summary>
    public static (int Kernel, int Stride, int Padding) Windows(ExampleShape shape, Random random)
    {
        int kernel = random.Next(1, 5), padding = random.Next(0, (kernel / 2) + 1);
        bool fits = kernel - (2 * padding) <= Math.Min(shape.Height, shape.Width);
        return (kernel, random.Next(1, 4), fits ? padding : kernel / 2);
    }

    private static ExampleShape Add(List<Layer> layers, Layer layer, ExampleShape shape)
    {
        layers.Add(layer);
        return layer.OutputOf(shape);
    }

    private static int Divisor(int number, Random random, int least)
    {
        int[] divisors = [.. Enumerable.Range(least, number).Where(divisor => number % divisor == 0)];
        return divisors[random.Next(divisors.Length)];
    }
}
