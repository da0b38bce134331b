using Onward.Layers;

namespace Onward.Tests.Layers;

public sealed class ImagePatchesTests
{
    [Fact]
    public void Patches_go_row_by_row_and_hold_row_column_channel()
    {
        // 4 x 4 pixels of two channels: the value names row, column and channel.
        float[] image =
        [
            .. from row in Enumerable.Range(1, 4)
               from column in Enumerable.Range(1, 4)
               from channel in Enumerable.Range(1, 2)
               select (float)((100 * row) + (10 * column) + channel),
        ];

        Assert.Equal(
            [
                111, 112, 121, 122, 211, 212, 221, 222,
                131, 132, 141, 142, 231, 232, 241, 242,
                311, 312, 321, 322, 411, 412, 421, 422,
                331, 332, 341, 342, 431, 432, 441, 442,
            ],
            Extract(image, side: 4, patchesPerSide: 2, channels: 2));
    }

    [Fact]
    public void One_patch_is_the_image()
    {
        float[] image = Numbers.Uniform(1, 5 * 5 * 3);

        Assert.Equal(image, Extract(image, side: 5, patchesPerSide: 1, channels: 3));
    }

    [Fact]
    public void Image_that_does_not_divide_stands_in_the_middle_of_its_repeated_edge()
    {
        // 4 x 4 pixels, three patches a side: patches of 2 x 2 cover 6 x 6, one pixel more on every side.
        float[] image = [.. from row in Enumerable.Range(1, 4) from column in Enumerable.Range(1, 4) select (float)((10 * row) + column)];

        Assert.Equal(
            [
                11, 11, 11, 11,
                12, 13, 12, 13,
                14, 14, 14, 14,
                21, 21, 31, 31,
                22, 23, 32, 33,
                24, 24, 34, 34,
                41, 41, 41, 41,
                42, 43, 42, 43,
                44, 44, 44, 44,
            ],
            Extract(image, side: 4, patchesPerSide: 3, channels: 1));
    }

    [Fact]
    public void Odd_pixel_of_padding_goes_to_the_end()
    {
        Assert.Equal(
            [1, 2, 4, 5, 3, 3, 6, 6, 7, 8, 7, 8, 9, 9, 9, 9],
            Extract([1, 2, 3, 4, 5, 6, 7, 8, 9], side: 3, patchesPerSide: 2, channels: 1));
    }

    private static float[] Extract(float[] image, int side, int patchesPerSide, int channels)
    {
        ExampleShape shape = new(side, side, channels);
        ImagePatches layer = new(patchesPerSide, shape);
        float[] patches = Numbers.Filled(layer.OutputOf(shape).Length, float.NaN);
        layer.Apply(shape, image, patches);
        return patches;
    }
}
