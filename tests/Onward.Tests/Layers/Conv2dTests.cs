using Onward.Layers;

namespace Onward.Tests.Layers;

public sealed class Conv2dOfOnePlaceTests() : AffineLayerTests(AffineDefinition.Conv2d(new(3, 4, 9), 13, 1));

public sealed class Conv2dOfOnePlaceInGroupsTests() : AffineLayerTests(AffineDefinition.Conv2d(new(2, 3, 12), 8, 1, groups: 4));

public sealed class Conv2dOfOnePlaceAndStrideTests() : AffineLayerTests(AffineDefinition.Conv2d(new(5, 4, 6), 7, 1, stride: 2));

public sealed class Conv2dOfTheSameGridTests() : AffineLayerTests(AffineDefinition.Conv2d(new(5, 3, 6), 10, 3, padding: 1));

public sealed class Conv2dOfALargeGridTests() : AffineLayerTests(AffineDefinition.Conv2d(new(13, 11, 2), 3, 3, padding: 1));

public sealed class Conv2dWithoutPaddingTests() : AffineLayerTests(AffineDefinition.Conv2d(new(6, 5, 3), 4, 3));

public sealed class Conv2dOfStrideTests() : AffineLayerTests(AffineDefinition.Conv2d(new(7, 6, 3), 5, 3, stride: 2, padding: 1));

public sealed class Conv2dOfFarStrideTests() : AffineLayerTests(AffineDefinition.Conv2d(new(7, 8, 2), 5, 2, stride: 3));

public sealed class Conv2dOfEvenKernelTests() : AffineLayerTests(AffineDefinition.Conv2d(new(5, 4, 4), 6, 4, padding: 2));

public sealed class Conv2dBeyondTheEdgeTests() : AffineLayerTests(AffineDefinition.Conv2d(new(2, 1, 4), 6, 2, padding: 3));

public sealed class Conv2dInGroupsTests() : AffineLayerTests(AffineDefinition.Conv2d(new(4, 5, 6), 9, 3, padding: 1, groups: 3));

public sealed class Conv2dOfEachChannelTests() : AffineLayerTests(AffineDefinition.Conv2d(new(4, 4, 5), 5, 3, padding: 1, groups: 5));

public sealed class Conv2dOfManySlicesTests() : AffineLayerTests(AffineDefinition.Conv2d(new(3, 3, 37), 70, 3, padding: 1));

public sealed class Conv2dTests
{
    [Fact]
    public void A_wrong_input_is_refused_with_both_shapes() => Assert.Equal(
        [
            "Conv2d(3, 8, 5, 1, 1, 1) takes 3 channels on a grid of at least 3 positions along each side; its input is 4 x 2 x 3.",
            "Conv2d(3, 8, 5, 1, 1, 1) takes 3 channels on a grid of at least 3 positions along each side; its input is 4 x 4 x 2.",
        ],
        new ExampleShape[] { new(4, 2, 3), new(4, 4, 2) }.Select(
            input => Assert.Throws<ArgumentException>(() => new Conv2d(3, 8, 5, padding: 1).OutputOf(input)).Message));

    [Fact]
    public void Groups_must_divide_the_channels() => Assert.StartsWith(
        "6 and 8 channels are not divided by 4 groups.",
        Assert.Throws<ArgumentException>(() => new Conv2d(6, 8, 3, groups: 4)).Message,
        StringComparison.Ordinal);

    // The same products in the same order.
    [Fact]
    public void A_kernel_of_one_place_has_the_bits_of_a_linear_layer()
    {
        ExampleShape shape = new(3, 5, 40);
        Linear linear = new(40, 70);
        AffineLayer conv = new Conv2d(40, 70, 1).At(shape);
        float[] weight = Numbers.Uniform(1, 40 * 70), x = Numbers.Uniform(2, 2 * shape.Length), expected = new float[2 * 15 * 70];
        float[] packed = new float[linear.PackedWeightLength], actual = new float[expected.Length];
        linear.PackWeight(0, weight, packed);
        linear.Apply(packed, x, expected, 30, []);
        conv.PackWeight(0, weight, packed);
        conv.Apply(packed, x, actual, 30, []);

        Tolerance.Same(expected, actual, "output");
    }
}
