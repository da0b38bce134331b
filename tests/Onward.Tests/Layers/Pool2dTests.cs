using Onward.Layers;

namespace Onward.Tests.Layers;

public sealed class Pool2dTests
{
    // The windows of 3 x 3 places, 2 apart, over 4 x 5 places with numbers 0 to 19 and one place of padding.
    [Fact]
    public void Windows_are_where_PyTorch_has_them()
    {
        ExampleShape shape = new(4, 5, 1);
        float[] input = [.. Enumerable.Range(0, 20).Select(place => (float)place)], output = new float[6];

        new MaxPool2d(3, stride: 2, padding: 1).Apply(shape, input, output);
        Assert.Equal([6, 8, 9, 16, 18, 19], output);

        new AvgPool2d(3, stride: 2, padding: 1).Apply(shape, input, output);
        Assert.Equal([12 / 9f, 27 / 9f, 24 / 9f, 63 / 9f, 108 / 9f, 81 / 9f], output, Near);

        static bool Near(float one, float other) => Math.Abs(one - other) < 1e-5f;
    }

    [Fact]
    public void The_stride_is_the_window_unless_it_is_given()
    {
        Assert.Equal(new ExampleShape(2, 3, 4), new MaxPool2d(3).OutputOf(new(8, 9, 4)));
        Assert.Equal(new ExampleShape(6, 7, 4), new AvgPool2d(3, stride: 1).OutputOf(new(8, 9, 4)));
    }

    [Fact]
    public void A_wrong_input_and_a_wide_padding_are_refused()
    {
        Assert.Equal(
            "MaxPool2d(3, 2, 0) takes a grid of at least 3 positions along each side; its input is 2 x 4 x 8.",
            Assert.Throws<ArgumentException>(() => new MaxPool2d(3, stride: 2).OutputOf(new(2, 4, 8))).Message);
        Assert.StartsWith(
            "The padding is at most half of the window",
            Assert.Throws<ArgumentException>(() => new AvgPool2d(3, padding: 2)).Message,
            StringComparison.Ordinal);
    }
}
