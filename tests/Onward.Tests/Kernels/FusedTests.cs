using System.Runtime.Intrinsics;
using Onward.Kernels;

namespace Onward.Tests.Kernels;

public sealed class FusedTests
{
    // Any bits, and sums that nearly cancel, where a second rounding would show.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_composed_multiply_add_has_one_rounding(bool cancels)
    {
        Random random = new(1);
        float[] numbers = new float[12];
        for (int trial = 0; trial < 500_000; trial++)
        {
            for (int i = 0; i < numbers.Length; i++)
            {
                numbers[i] = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
            }

            for (int i = 0; cancels && i < 4; i++)
            {
                float product = numbers[i] * numbers[4 + i];
                numbers[8 + i] = -BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(product) + random.Next(-2, 3));
            }

            Vector128<float> composed = Fused.Compose(
                Vector128.Create(numbers, 0), Vector128.Create(numbers, 4), Vector128.Create(numbers, 8));
            for (int i = 0; i < 4; i++)
            {
                float expected = MathF.FusedMultiplyAdd(numbers[i], numbers[4 + i], numbers[8 + i]);
                bool same = float.IsNaN(expected)
                    ? float.IsNaN(composed[i])
                    : BitConverter.SingleToInt32Bits(expected) == BitConverter.SingleToInt32Bits(composed[i]);
                Assert.True(same, $"{numbers[i]:R} x {numbers[4 + i]:R} + {numbers[8 + i]:R}: {composed[i]:R}, expected {expected:R}");
            }
        }
    }

    [Fact]
    public void Sums_meet_the_definition_at_every_length()
    {
        float[] x = Numbers.Uniform(1, 300), y = Numbers.Uniform(2, 300);
        for (int length = 0; length <= x.Length; length++)
        {
            ReadOnlySpan<float> a = x.AsSpan(0, length), b = y.AsSpan(0, length);
            double sum = 0, squares = 0, products = 0, magnitude = 0;
            for (int i = 0; i < length; i++)
            {
                sum += a[i];
                squares += (double)a[i] * a[i];
                products += (double)a[i] * b[i];
                magnitude += Math.Abs(a[i]);
            }

            // A handful of roundings, each of half a unit of the sum of magnitudes.
            double limit = 1e-6 * magnitude;
            Assert.Equal(sum, Reduction.Sum(a), limit);
            Assert.Equal(squares, Reduction.SumOfSquares(a), limit);
            Assert.Equal(products, Reduction.Dot(a, b), limit);
        }
    }

    [Fact]
    public void Cosines_and_powers_meet_the_library()
    {
        for (int k = 0; k <= 1000; k++)
        {
            Assert.Equal(0.5 * (1 + Math.Cos(Math.PI * k / 1000)), Pointwise.HalfCosine(k / 1000.0), 6e-16);
            Assert.Equal(Math.Pow(0.999, k), Pointwise.Power(0.999, k), 1e-13);
        }

        Assert.Equal((1.0, 0.0), (Pointwise.HalfCosine(0), Pointwise.HalfCosine(1)));
    }
}
