using Onward.Laboratory;
using Onward.Layers;

namespace Onward.Tests.Layers;

public sealed class GridPoolingTests
{
    public static MatrixTheoryData<PatchPooling, int, int> Grids =>
        new([PatchPooling.Average, PatchPooling.Maximum], [1, 2, 3, 4, 5, 8], [1, 2, 3]);

    // One window after another, place by place; the values of a channel grow with the place, so that a mean and a largest number tell
    // which patches were in it.
    [Theory]
    [InlineData(PatchPooling.Average, 4, 2, new[] { 5, 6.5f, 11, 12.5f })]
    [InlineData(PatchPooling.Maximum, 4, 2, new[] { 10f, 11, 14, 15 })]
    [InlineData(PatchPooling.Average, 5, 2, new[] { 3f, 4.5f, 6, 10.5f, 12, 13.5f, 18, 19.5f, 21 })]
    [InlineData(PatchPooling.Maximum, 4, 3, new[] { 5f, 7, 13, 15 })]
    [InlineData(PatchPooling.Average, 2, 2, new[] { 1.5f })]
    [InlineData(PatchPooling.Average, 1, 1, new[] { 0f })]
    public void Windows_are_where_they_belong(PatchPooling kind, int side, int stride, float[] expected)
    {
        float[] input = [.. Enumerable.Range(0, side * side).SelectMany(place => new float[] { place, -place })];
        GridPooling pooling = new(kind, side, stride, channels: 2);
        float[] output = new float[pooling.OutputSide * pooling.OutputSide * 2];

        pooling.Apply(new ExampleShape(side, side, 2), input, output);

        Assert.Equal(expected, output.Where((_, i) => i % 2 == 0));
    }

    [Theory]
    [MemberData(nameof(Grids))]
    public void Every_grid_keeps_the_contract(PatchPooling kind, int side, int stride) =>
        Assert.Empty(LayerContract.FaultsOf(new GridPooling(kind, side, stride, channels: 3), new(side, side, 3)));

    [Fact]
    public void Of_equal_patches_the_first_is_the_largest()
    {
        GridPooling pooling = new(PatchPooling.Maximum, side: 2, stride: 2, channels: 1);
        ExampleShape shape = new(2, 2, 1);
        float[] tangent = new float[1], gradient = new float[4];

        pooling.ApplyTangent(shape, [1, 2, 2, 2], [5, 6, 7, 8], tangent);
        pooling.ApplyTranspose(shape, [1, 2, 2, 2], [3], gradient);

        Assert.Equal([6], tangent);
        Assert.Equal([0, 3, 0, 0], gradient);
    }
}
