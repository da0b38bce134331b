using Onward.Kernels;

namespace Onward.Tests.Kernels;

/// <summary>Fixed seeds; a bound of 4.5 standard errors, as in <see cref="CounterRandomStatisticsTests"/>.</summary>
public sealed class CounterSequenceTests
{
    private const double StandardErrors = 4.5;
    private const int Draws = 100_000;

    private static readonly RandomStream Stream = new(42, RandomPurpose.Shuffle, Step: 9);

    [Fact]
    public void Words_are_the_elements_of_the_stream_in_order()
    {
        var expected = new uint[1000];
        CounterRandom.Bits(Stream, 0, expected);
        var sequence = new CounterSequence(Stream);

        Assert.Equal(expected, Enumerable.Range(0, 1000).Select(_ => sequence.NextUInt32()));
    }

    [Fact]
    public void Singles_are_uniform_from_zero_to_below_one()
    {
        var sequence = new CounterSequence(Stream);
        double sum = 0, squares = 0;
        for (int i = 0; i < Draws; i++)
        {
            float value = sequence.NextSingle();
            Assert.True(value is >= 0 and < 1);
            sum += value - 0.5;
            squares += (value - 0.5) * (value - 0.5);
        }

        double unit = StandardErrors / Math.Sqrt(Draws);
        Assert.InRange(sum / Draws, -unit * Math.Sqrt(1 / 12.0), unit * Math.Sqrt(1 / 12.0));
        Assert.InRange((squares / Draws) - (1 / 12.0), -unit * Math.Sqrt(1 / 180.0), unit * Math.Sqrt(1 / 180.0));
    }

    [Fact]
    public void Singles_of_a_range_stay_below_its_upper_bound()
    {
        var sequence = new CounterSequence(Stream);
        float max = MathF.BitIncrement(1000);
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(1000, sequence.NextSingle(1000, max));
        }

        Assert.Equal(3, sequence.NextSingle(3, 3));
        Assert.InRange(sequence.NextSingle(-2, -1), -2, -1);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(float.NaN, 0)]
    [InlineData(0, float.NaN)]
    [InlineData(0, float.PositiveInfinity)]
    [InlineData(-3e38f, 3e38f)]
    public void Singles_reject_a_range_without_order_or_finite_length(float min, float max) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new CounterSequence(Stream).NextSingle(min, max));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Integers_take_every_value_below_the_bound_equally_often(int bound)
    {
        var sequence = new CounterSequence(Stream);
        var counts = new int[bound];
        for (int i = 0; i < Draws; i++)
        {
            counts[sequence.NextInt32(bound)]++;
        }

        CheckUniform(counts);
    }

    [Fact]
    public void Integers_of_a_bound_near_the_word_size_are_unbiased()
    {
        const int Bound = 3 << 29;
        var sequence = new CounterSequence(Stream);
        var counts = new int[3];
        for (int i = 0; i < Draws; i++)
        {
            // 8/3 words to a value: without rejection a value has three words or two, according to its remainder by 3.
            counts[sequence.NextInt32(Bound) % 3]++;
        }

        CheckUniform(counts);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Integers_reject_an_empty_range(int bound) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new CounterSequence(Stream).NextInt32(bound));

    [Fact]
    public void Normals_are_those_of_Box_Muller()
    {
        var sequence = new CounterSequence(Stream);
        var words = new CounterSequence(Stream);
        for (int i = 0; i < 1000; i++)
        {
            double u = (words.NextUInt32() + 0.5) / 4294967296;
            double normal = Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(words.NextUInt32() * (2 * Math.PI / 4294967296));

            // A float's worth of u, which these thousand keep away from 1.
            Assert.Equal(normal, sequence.NextNormal(), 1e-5);
        }
    }

    [Fact]
    public void A_shuffle_keeps_every_item_and_depends_on_the_stream_alone()
    {
        int[] first = Shuffled(Stream, 1000);

        Assert.Equal(first, Shuffled(Stream, 1000));
        Assert.NotEqual(first, Shuffled(Stream with { Step = 10 }, 1000));
        Assert.Equal(Enumerable.Range(0, 1000), first.Order());
    }

    [Fact]
    public void A_shuffle_gives_every_order_equally_often()
    {
        var sequence = new CounterSequence(Stream);
        var counts = new int[24];
        var items = new int[4];
        for (int i = 0; i < Draws / 4; i++)
        {
            items = [0, 1, 2, 3];
            sequence.Shuffle<int>(items);
            counts[(items[0] * 6) + (2 * items[1..].Count(item => item < items[1])) + (items[2] < items[3] ? 0 : 1)]++;
        }

        CheckUniform(counts);
    }

    private static int[] Shuffled(RandomStream stream, int count)
    {
        int[] items = [.. Enumerable.Range(0, count)];
        new CounterSequence(stream).Shuffle<int>(items);
        return items;
    }

    private static void CheckUniform(int[] counts)
    {
        double expected = counts.Average();
        double chiSquare = counts.Sum(count => (count - expected) * (count - expected) / expected);
        double freedom = counts.Length - 1;
        Assert.InRange(chiSquare, 0, freedom + (StandardErrors * Math.Sqrt(2 * freedom)));
    }
}
