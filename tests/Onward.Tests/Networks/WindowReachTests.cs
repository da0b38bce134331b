using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Networks;

/// <summary>The reach of convolutions and poolings, and of chains of them, is the real one and no larger.</summary>
public sealed class WindowReachTests
{
    private const int Channels = 2;

    public static TheoryData<int> Tens => [.. Enumerable.Range(0, 20)];

    // With positive weights and no biases, the numbers above 0 in the output are those that a single 1 in the input reaches.
    [Theory]
    [MemberData(nameof(Tens))]
    public void Declared_reach_is_the_measured_one(int ten)
    {
        for (int seed = 10 * ten; seed < (10 * ten) + 10; seed++)
        {
            Random random = new(seed);
            ExampleShape input = new(random.Next(1, 12), random.Next(1, 12), Channels), shape = input;
            List<Layer> layers = [new Conv2d(Channels, Channels, 1)];
            for (int count = 1 + (ten % 4); count > 0; count--)
            {
                layers.Add(Draw(shape, random));
                shape = layers[^1].OutputOf(shape);
            }

            Network model = new(input, [new(layers)], classes: 2);
            bool[][] measured = Measure(model);
            for (int position = 0; position < input.Positions; position++)
            {
                Assert.True(
                    measured[position].AsSpan().SequenceEqual(Declared(model, position)),
                    $"chain {seed} of {input}: {string.Join(", ", layers)} at position {position}");
            }
        }
    }

    // The pooling and the convolution behind it move most positions; the residual adds each position to itself.
    [Fact]
    public void Reach_of_a_residual_contains_its_input()
    {
        Residual moving = new(new MaxPool2d(2), new Conv2d(Channels, Channels, 1, padding: 1));
        Network model = new(new(4, 4, Channels), [new(new Conv2d(Channels, Channels, 1), moving)], classes: 2);

        bool[][] measured = Measure(model);

        for (int position = 0; position < 16; position++)
        {
            bool[] declared = Declared(model, position);
            Assert.True(measured[position][position]);
            Assert.All(measured[position].Zip(declared), pair => Assert.True(pair.Second || !pair.First));
        }

        Assert.Equal((0..2, 2..4), model.Blocks[0].Layers[0].ReachOf(position: 3));
        Assert.Equal(0, moving.Reach.Stride);
    }

    [Theory]
    [MemberData(nameof(Tens))]
    public void Reach_of_a_chain_is_that_of_its_layers_one_after_another(int ten)
    {
        const int Side = 4096;
        Random random = new(ten);
        for (int chain = 0; chain < 100; chain++)
        {
            Reach reach = Reach.Same;
            HashSet<int> places = [1000 + chain]; // no edge is near
            int place = places.First();
            bool gaps = false;
            for (int count = random.Next(1, 6); count > 0; count--)
            {
                int kernel = random.Next(1, 6), stride = random.Next(1, 4), padding = random.Next(0, 4);
                gaps |= kernel < stride;
                reach = reach.Then(Reach.OfWindows(kernel, stride, padding, run: 1));
                places =
                [
                    .. Enumerable.Range(0, places.DefaultIfEmpty().Max() + padding + 1).Where(
                        o => Enumerable.Range((o * stride) - padding, kernel).Any(places.Contains)),
                ];
            }

            (int first, int length) = reach.PlacesOf(place, Side).GetOffsetAndLength(Side);
            int[] declared = [.. Enumerable.Range(first, length)], real = [.. places.Order()];
            if (gaps)
            {
                Assert.Subset(declared.ToHashSet(), real.ToHashSet());
            }
            else
            {
                Assert.Equal(real, declared);
            }
        }
    }

    [Fact]
    public void Reach_at_the_edges_is_clipped_to_the_grid()
    {
        Assert.Equal(0..2, new Reach(1, 1).PlacesOf(0, 5));
        Assert.Equal(0..0, Reach.OfWindows(1, 1, 0, 1).Then(Reach.OfWindows(2, 1, 0, 1)).PlacesOf(5, 0));
        Assert.Equal(2..2, Reach.OfWindows(2, 2, 0, 1).PlacesOf(4, 2));
        Assert.Equal(1..1, Reach.OfWindows(1, 2, 0, 1).PlacesOf(1, 3));
        Assert.Equal(0..7, Reach.Everywhere.PlacesOf(3, 7));
    }

    [Fact]
    public void A_reach_too_large_to_count_is_every_position()
    {
        Reach stride = Reach.Same, radius = new(Reach.All - 1, 1);
        for (int i = 0; i < 100; i++)
        {
            stride = stride.Then(Reach.OfWindows(3, 4, 1, run: 1));
        }

        Assert.Equal(new Reach(Reach.All, 1), stride);
        Assert.Equal(new Reach(Reach.All, 1), radius.Then(radius));
        Assert.Equal(new Reach(Reach.All, 1), new Reach(1, 1).Then(new Reach(Reach.All, 1)));
        Assert.Equal(0..Reach.All, radius.PlacesOf(0, Reach.All));
    }

    [Fact]
    public void Windows_that_do_not_exist_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Reach(-1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Reach(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Reach.OfWindows(0, 1, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Reach.OfWindows(1, 0, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Reach.OfWindows(1, 1, -1, 1));
    }

    private static Layer Draw(ExampleShape shape, Random random)
    {
        if (shape.Height == shape.Width && random.Next(2) == 0)
        {
            return new GridPooling((PatchPooling)random.Next(2), shape.Height, random.Next(1, 4), Channels);
        }

        (int kernel, int stride, int padding) = RandomNetworks.Windows(shape, random);
        return random.Next(2) == 0 ? RandomNetworks.Pooling(shape, random)
            : new Conv2d(Channels, Channels, kernel, stride, padding + random.Next(2));
    }

    // For each position of the input, the positions of the output above 0.
    private static bool[][] Measure(Network model)
    {
        foreach (NetworkLayer layer in model.Blocks[0].Layers)
        {
            model.Values[layer.Weight].Fill(1);
        }

        model.Values.MarkChanged();
        int positions = model.Input.Positions, ends = model.Blocks[0].Patches;
        float[] pixels = new float[positions * model.Input.Length];
        for (int i = 0; i < positions; i++)
        {
            pixels[(i * model.Input.Length) + (i * Channels)] = 1;
        }

        bool[][] measured = [.. Enumerable.Range(0, positions).Select(_ => new bool[ends])];
        using WorkerTeam team = new(1);
        ForwardGradient rule = new(NoiseDistribution.Rademacher, LossScope.All, passes: 1, seed: 1)
        {
            DerivativesTaken = (tile, _, _) =>
            {
                for (int row = 0; row < tile.Rows; row++)
                {
                    measured[tile.FirstExample + (row / ends)][row % ends] = tile.Activations.Result.Span[row * Channels] > 0;
                }
            },
        };
        new TrainingStep(model, rule, team).Run(pixels, new int[positions], 0);
        return measured;
    }

    private static bool[] Declared(Network model, int position)
    {
        ExampleShape output = model.Blocks[0].Output;
        bool[] declared = new bool[output.Positions];
        (Range rows, Range columns) = model.Blocks[0].Layers[0].ReachOf(position);
        for (int y = rows.Start.Value; y < rows.End.Value; y++)
        {
            declared.AsSpan(y * output.Width, output.Width)[columns].Fill(true);
        }

        return declared;
    }
}
