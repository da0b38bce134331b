using Onward.Layers;
using Onward.Models;

namespace Onward.Tests.Networks;

/// <summary>Small networks of random layers, each a function of its seed.</summary>
internal static class RandomNetworks
{
    /// <summary>Builds a network of one to three blocks.</summary>
    public static Network Create(int seed)
    {
        Random random = new(seed);
        int side = random.Next(1, 5);
        ExampleShape input = new(side, side, 2 * random.Next(1, 4)), shape = input;
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
                FeatureNorm = size >= 2 && random.Next(2) == 0 ? new LayerNorm(size, 0.1f) : null,
            });
        }

        return new Network(input, blocks, classes: 3);
    }

    // An affine layer with what may stand before and behind it.
    private static ExampleShape Append(List<Layer> layers, ExampleShape shape, Random random, bool nested)
    {
        if (!nested && shape.Height > 1 && random.Next(4) == 0)
        {
            shape = Add(layers, random.Next(3) switch
            {
                0 => new Flatten(),
                1 => new GridPooling(random.Next(2) == 0 ? PatchPooling.Average : PatchPooling.Maximum, shape.Height, 2, shape.Channels),
                _ => new ImagePatches(random.Next(1, shape.Height + 1), shape),
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

        if (random.Next(3) == 0)
        {
            shape = Add(layers, new LayerNorm(shape.Channels, 0.1f), shape);
        }

        shape = Add(layers, random.Next(4) switch
        {
            0 when shape.Channels % 2 == 0 => new GroupedLinear(shape.Channels / 2, 2),
            1 => new TokenMixing(shape.Positions, shape.Channels),
            2 when shape.Height == shape.Width => new DepthwiseConvolution(shape.Height, random.Next(2) == 0 ? 1 : 3, shape.Channels),
            _ => new Linear(shape.Channels, 2 * random.Next(1, 5)),
        }, shape);
        if (random.Next(2) == 0)
        {
            int size = shape.Channels / Divisor(shape.Channels / 2, random, least: 1);
            shape = Add(layers, new LayerNorm(size, 0.1f), shape);
        }

        return random.Next(4) switch
        {
            0 => shape,
            1 => Add(layers, new Silu(), shape),
            _ => Add(layers, new Relu(), shape),
        };
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
