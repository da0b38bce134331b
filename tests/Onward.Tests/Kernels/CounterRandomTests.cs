using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Onward.Kernels;

namespace Onward.Tests.Kernels;

public sealed class CounterRandomTests
{
    // Of one normal, in units of its radius: half the error of the logarithm (3.7e-7 with rounding), the square root
    // (6e-8), the angle (2.4e-7: two roundings of at most pi / 2 and the constant's) and its polynomial (1e-7).
    private const double ErrorPerRadius = 6e-7;

    // Of a number of noise: the fits of the quantile leave 1.88e-4; the rounding of 31 bits to a float and three multiply-adds, some 1e-6.
    private const double NoiseError = 1.9e-4;

    private static readonly RandomStream Stream = new(0x0123456789ABCDEF, RandomPurpose.Data, 3_000_000_000, 5, 7, 11);

    private static readonly uint[] Starts = [0, 1, 15, 16, 17, 63, 64, 100, 500, 512, 2047, 2048, 4096, 1_000_003, 4_294_960_000];

    private static readonly int[] Lengths = [0, 1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 192, 300, 515, 2113, 4230];

    public static TheoryData<int> Widths => new(128, 256, 512);

    [Theory]
    [InlineData(new[] { 0u, 0u, 0u, 0u }, new[] { 0u, 0u }, new[] { 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u })]
    [InlineData(
        new[] { 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu },
        new[] { 0xffffffffu, 0xffffffffu },
        new[] { 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu })]
    [InlineData(
        new[] { 0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u },
        new[] { 0xa4093822u, 0x299f31d0u },
        new[] { 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u })]
    public void Philox_gives_the_answers_published_with_Random123(uint[] counter, uint[] key, uint[] expected)
    {
        var words = CounterRandom.Philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);

        Assert.Equal((expected[0], expected[1], expected[2], expected[3]), words);
    }

    [Fact]
    public void A_block_is_Philox_of_the_fields_of_the_name()
    {
        var words = CounterRandom.Block(Stream, 42);

        Assert.Equal(CounterRandom.Philox(42, 11, 3_000_000_000, 0x30050007, 0x89ABCDEF, 0x01234567), words);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Bits_are_the_words_of_the_reference_at_every_start_and_length(int width)
    {
        foreach ((uint start, int length) in Ranges())
        {
            var actual = new uint[length + 2];
            actual.AsSpan().Fill(0xDEADBEEF);
            Draw(width, RandomForm.Bits, Stream, start, actual.AsSpan(1, length));

            var expected = new uint[length + 2];
            expected[0] = expected[^1] = 0xDEADBEEF;
            for (int i = 0; i < length; i++)
            {
                expected[i + 1] = ReferenceWord(Stream, start + (uint)i);
            }

            Assert.Equal(expected, actual);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Signs_are_the_bits_of_the_reference_at_every_start_and_length(int width)
    {
        foreach ((uint start, int length) in Ranges())
        {
            var actual = new float[length + 2];
            Draw(width, RandomForm.Signs, Stream, start, actual.AsSpan(1, length));

            var expected = new float[length + 2];
            for (int i = 0; i < length; i++)
            {
                expected[i + 1] = ReferenceSign(Stream, start + (uint)i);
            }

            Assert.Equal(expected, actual);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Normals_are_Box_Muller_of_the_reference_words_at_every_start_and_length(int width)
    {
        foreach ((uint start, int length) in Ranges())
        {
            var actual = new float[length + 2];
            Draw(width, RandomForm.Normals, Stream, start, actual.AsSpan(1, length));

            Assert.Equal(0, actual[0]);
            Assert.Equal(0, actual[^1]);
            for (int i = 0; i < length; i++)
            {
                (double normal, double radius) = ReferenceNormal(Stream, start + (uint)i);
                Assert.InRange(actual[i + 1], normal - (ErrorPerRadius * radius), normal + (ErrorPerRadius * radius));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Noise_is_made_of_quantiles_of_the_reference_words_at_every_start_and_length(int width)
    {
        foreach ((uint start, int length) in Ranges())
        {
            var actual = new float[length + 2];
            Draw(width, RandomForm.Noise, Stream, start, actual.AsSpan(1, length));

            Assert.Equal(0, actual[0]);
            Assert.Equal(0, actual[^1]);
            for (int i = 0; i < length; i++)
            {
                CheckNoise(ReferenceWordOfNoise(Stream, start + (uint)i), actual[i + 1]);
            }
        }
    }

    [Fact]
    public void Every_width_gives_the_same_normals_bit_for_bit()
    {
        var normals = new float[100_000];
        var narrower = new float[normals.Length];
        CounterRandom.Normals(Stream, 5, normals);

        foreach (int width in Widths)
        {
            Draw(width, RandomForm.Normals, Stream, 5, narrower);
            Assert.True(normals.AsSpan().SequenceEqual(narrower), $"{width} bits");
        }
    }

    [Fact]
    public void Every_width_gives_the_same_noise_bit_for_bit()
    {
        var noise = new float[100_000];
        var narrower = new float[noise.Length];
        CounterRandom.Noise(Stream, 5, noise);

        foreach (int width in Widths)
        {
            Draw(width, RandomForm.Noise, Stream, 5, narrower);
            Assert.True(noise.AsSpan().SequenceEqual(narrower), $"{width} bits");
        }
    }

    [Fact]
    public void The_widest_vectors_of_the_machine_are_the_default()
    {
        var bits = new uint[3000];
        var signs = new float[3000];
        CounterRandom.Bits(Stream, 77, bits);
        CounterRandom.Signs(Stream, 77, signs);

        Assert.Equal([.. bits.Select((_, i) => ReferenceWord(Stream, 77 + (uint)i))], bits);
        Assert.Equal([.. signs.Select((_, i) => ReferenceSign(Stream, 77 + (uint)i))], signs);
    }

    [Theory]
    [InlineData(0u, 0u)]
    [InlineData(0u, 0xFFFFFFFFu)]
    [InlineData(1u, 0x7FFFFFFFu)]
    [InlineData(2u, 0x80000000u)]
    [InlineData(0xFFFFFFFFu, 0x40000000u)]
    [InlineData(0xFFFFFFFEu, 0x3FFFFFFFu)]
    [InlineData(0xFFFFFF00u, 0xC0000000u)]
    [InlineData(0x80000000u, 0xBFFFFFFFu)]
    [InlineData(0xB504F333u, 0x20000000u)]
    public void Extreme_words_give_finite_and_accurate_normals(uint a, uint b)
    {
        Vector128<uint> first = Vector128.Create(a);
        Vector128<uint> second = Vector128.Create(b);
        BoxMuller<Lanes128, Vector128<uint>>.Transform(ref first, ref second);

        double radius = Radius(a);
        Assert.InRange(radius, 0, 6.67);
        Assert.InRange(first.AsSingle()[0] - (radius * Math.Cos(Angle(b))), -ErrorPerRadius * radius, ErrorPerRadius * radius);
        Assert.InRange(second.AsSingle()[0] - (radius * Math.Sin(Angle(b))), -ErrorPerRadius * radius, ErrorPerRadius * radius);
    }

    [Theory]
    [InlineData(0x00000001u)]
    [InlineData(0x00000003u)]
    [InlineData(0x00010000u)]
    [InlineData(0x00FFFFFFu)]
    [InlineData(0x01000001u)]
    [InlineData(0x3FFFFFFFu)]
    [InlineData(0x40000000u)]
    [InlineData(0x7FFFFFBFu)]
    [InlineData(0x7FFFFFFFu)]
    [InlineData(0x80000001u)]
    [InlineData(0x8000FFFFu)]
    [InlineData(0xC0000000u)]
    [InlineData(0xFFFFFFFFu)]
    public void Extreme_words_give_accurate_noise(uint word)
    {
        float[] noise = NoiseOf([.. Enumerable.Repeat(word, 16)]);

        Assert.All(noise[..16], number => CheckNoise(word, number));
        Assert.All(noise[16..], number => CheckNoise(uint.RotateLeft(word, 16), number));
    }

    [Theory]
    [InlineData(0x00000000u, 6.36f)]
    [InlineData(0x80000000u, -6.36f)]
    public void A_tail_of_nothing_gives_finite_noise(uint word, float expected) =>
        Assert.Equal(expected, NoiseOf([.. Enumerable.Repeat(word, 16)])[0], 0.01f);

    // Evenly spaced words integrate the density itself: what is left of chance is below 1e-6.
    [Fact]
    public void Variance_of_noise_is_one_and_its_kurtosis_three_over_all_words()
    {
        const uint Stride = 1021;
        var words = new uint[(1L << 32) / Stride / 16 * 16];
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = (uint)i * Stride;
        }

        float[] noise = NoiseOf(words);
        double mean = noise.Average(z => (double)z), variance = noise.Average(z => (double)z * z), fourth = noise.Average(
            z => (double)z * z * z * z);
        Assert.InRange(mean, -2e-6, 2e-6);
        Assert.InRange(variance, 1 - 4e-6, 1 + 4e-6);
        Assert.InRange(fourth, 3 - 2e-4, 3 + 2e-4);
    }

    [Fact]
    public void A_stream_ends_after_two_to_the_32_elements()
    {
        var last = new uint[10];
        CounterRandom.Bits(Stream, uint.MaxValue - 9, last);

        Assert.Equal(ReferenceWord(Stream, uint.MaxValue), last[^1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => CounterRandom.Bits(Stream, uint.MaxValue - 8, new uint[10]));
        Assert.Throws<ArgumentOutOfRangeException>(() => CounterRandom.Normals(Stream, uint.MaxValue - 8, new float[10]));
        Assert.Throws<ArgumentOutOfRangeException>(() => CounterRandom.Noise(Stream, uint.MaxValue - 8, new float[10]));
        Assert.Throws<ArgumentOutOfRangeException>(() => CounterRandom.Signs(Stream, uint.MaxValue - 8, new float[10]));
    }

    [Fact]
    public void Drawing_allocates_nothing()
    {
        var words = new uint[5000];
        var floats = new float[5000];
        Draw();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Draw();

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Draw()
        {
            CounterRandom.Bits(Stream, 3, words);
            CounterRandom.Normals(Stream, 3, floats);
            CounterRandom.Noise(Stream, 3, floats);
            CounterRandom.Signs(Stream, 3, floats);
            CounterRandom.Block(Stream, 3);
        }
    }

    private static IEnumerable<(uint Start, int Length)> Ranges() =>
        from start in Starts from length in Lengths select (start, length);

    private static uint ReferenceWord(in RandomStream stream, uint element)
    {
        var words = CounterRandom.Block(stream, (element / 64 * 16) + (element % 16));
        return (element % 64 / 16) switch { 0 => words.Word0, 1 => words.Word1, 2 => words.Word2, _ => words.Word3 };
    }

    private static float ReferenceSign(in RandomStream stream, uint element)
    {
        var words = CounterRandom.Block(stream, (element / 2048 * 16) + (element % 16));
        uint row = element % 2048 / 16;
        uint word = (row / 32) switch { 0 => words.Word0, 1 => words.Word1, 2 => words.Word2, _ => words.Word3 };
        return ((word >> (int)(row % 32)) & 1) == 1 ? -1 : 1;
    }

    private static (double Normal, double Radius) ReferenceNormal(in RandomStream stream, uint element)
    {
        bool first = element % 32 < 16;
        double radius = Radius(ReferenceWord(stream, first ? element : element - 16));
        double angle = Angle(ReferenceWord(stream, first ? element + 16 : element));
        return (radius * (first ? Math.Cos(angle) : Math.Sin(angle)), radius);
    }

    // The rounding of u to a float belongs to the definition: near u = 1 it moves the radius by far more than the
    // arithmetic does.
    private static double Radius(uint a)
    {
        float u = (float)(((double)(float)(a >> 1) / 2147483648) + (1.0 / 4294967296));
        return Math.Sqrt(-2 * Math.Log(u));
    }

    private static double Angle(uint b) => b * (2 * Math.PI / 4294967296);

    private static uint ReferenceWordOfNoise(in RandomStream stream, uint element)
    {
        uint row = element % 128 / 16;
        uint word = ReferenceWord(stream, (element / 128 * 64) + (row / 2 * 16) + (element % 16));
        return row % 2 == 0 ? word : uint.RotateLeft(word, 16);
    }

    // How far a number is from the quantile: the error of its upper tail, divided by the density there.
    private static void CheckNoise(uint word, float noise)
    {
        double z = word >> 31 == 0 ? noise : -noise, tail = (word & 0x7FFFFFFF) / 4294967296.0;
        Assert.InRange((UpperTail(z) - tail) / Density(z), -NoiseError, NoiseError);
    }

    private static double Density(double x) => Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);

    // Marsaglia's series (2004) near 0, Laplace's continued fraction further out.
    private static double UpperTail(double x)
    {
        if (x < 3)
        {
            double sum = x, term = x;
            for (int power = 3; power < 200; power += 2)
            {
                term *= x * x / power;
                sum += term;
            }

            return 0.5 - (sum * Density(x));
        }

        double fraction = x;
        for (int k = 120; k > 0; k--)
        {
            fraction = x + (k / fraction);
        }

        return Density(x) / fraction;
    }

    private static float[] NoiseOf(uint[] words)
    {
        var noise = new float[2 * words.Length];
        NormalQuantile.Expand<Lanes512, Vector512<uint>>(words, noise);
        return noise;
    }

    private static void Draw(int width, RandomForm form, in RandomStream stream, uint start, Span<uint> destination)
    {
        switch (width)
        {
            case 128: CounterKernel<Lanes128, Vector128<uint>>.Draw(form, stream, start, destination); break;
            case 256: CounterKernel<Lanes256, Vector256<uint>>.Draw(form, stream, start, destination); break;
            default: CounterKernel<Lanes512, Vector512<uint>>.Draw(form, stream, start, destination); break;
        }
    }

    private static void Draw(int width, RandomForm form, in RandomStream stream, uint start, Span<float> destination) =>
        Draw(width, form, stream, start, MemoryMarshal.Cast<float, uint>(destination));
}
