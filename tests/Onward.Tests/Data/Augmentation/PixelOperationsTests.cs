using Onward.Data.Augmentation;

namespace Onward.Tests.Data.Augmentation;

public sealed class PixelOperationsTests
{
    private const float Close = 2e-6f; // some tens of float32 roundings of values up to 1

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 30)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_flip_mirrors_columns_and_a_second_one_undoes_it(int seed)
    {
        (int height, int width, int channels, byte[] bytes) = Picture(seed, 20);
        float[] image = [.. bytes.Select(value => value / 255f)];
        float[] flipped = [.. image];

        Cropping.Flip(flipped, width, channels);

        Assert.Equal(ByIndex(height, width, channels, (y, x, c) => image[(((y * width) + width - 1 - x) * channels) + c]), flipped);
        Cropping.Flip(flipped, width, channels);
        Assert.Equal(image, flipped);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_padded_crop_is_a_crop_of_the_image_with_zeros_around_it(int seed)
    {
        (int height, int width, int channels, byte[] bytes) = Picture(seed, 12);
        Random random = new(seed);
        int top = random.Next(-14, 15), left = random.Next(-14, 15);
        float[] actual = [.. Enumerable.Repeat(float.NaN, bytes.Length)];

        Cropping.CutPadded<byte>(bytes, 255, height, width, channels, top, left, actual);

        Assert.Equal(
            ByIndex(height, width, channels, (y, x, c) => y + top >= 0 && y + top < height && x + left >= 0 && x + left < width
                ? bytes[((((y + top) * width) + x + left) * channels) + c] / 255f
                : 0),
            actual);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_blur_is_a_sum_over_a_square_with_zeros_outside(int seed)
    {
        (int height, int width, int channels, byte[] bytes) = Picture(seed, 70);
        float[] actual = [.. bytes.Select(value => value / 255f)];
        double deviation = 0.1 + (1.9 * new Random(seed).NextDouble());
        int radius = (int)(height / 10.0 / 2);
        double total = Enumerable.Range(-radius, (2 * radius) + 1).Sum(k => Math.Exp(-k * k / (2 * deviation * deviation)));

        GaussianBlur.Apply(actual, height, channels, (float)deviation, new float[actual.Length]);

        float[] expected = ByIndex(height, width, channels, Blurred);
        for (int i = 0; i < actual.Length; i++)
        {
            Assert.InRange(actual[i] - expected[i], -Close, Close);
        }

        float Blurred(int y, int x, int c)
        {
            double sum = 0;
            for (int row = Math.Max(0, y - radius); row <= Math.Min(height - 1, y + radius); row++)
            {
                for (int column = Math.Max(0, x - radius); column <= Math.Min(width - 1, x + radius); column++)
                {
                    int square = ((row - y) * (row - y)) + ((column - x) * (column - x));
                    double weight = Math.Exp(-square / (2 * deviation * deviation)) / (total * total);
                    sum += weight * bytes[(((row * width) + column) * channels) + c] / 255;
                }
            }

            return (float)sum;
        }
    }

    [Theory]
    [InlineData(32, 3)]
    [InlineData(28, 3)]
    [InlineData(224, 23)]
    [InlineData(19, 1)]
    public void The_blur_is_a_tenth_of_the_image_across(int side, int size) => Assert.Equal(size, (2 * GaussianBlur.Radius(side)) + 1);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Resampling_a_part_is_a_sum_over_all_its_pixels_with_Keys_weights(int seed)
    {
        Resampling_is_a_sum(seed, antialias: false);
        Resampling_is_a_sum(seed, antialias: true);
    }

    private static void Resampling_is_a_sum(int seed, bool antialias)
    {
        (int height, int width, int channels, byte[] bytes) = Picture(seed, 24);
        Random random = new(seed);
        int rows = random.Next(1, height + 1), columns = random.Next(1, width + 1);
        Rectangle part = new(random.Next(height - rows + 1), random.Next(width - columns + 1), rows, columns);
        int targetHeight = random.Next(1, 30), targetWidth = random.Next(1, 30);
        float[] actual = new float[targetHeight * targetWidth * channels];

        new CropResampler(targetHeight, targetWidth, channels, antialias).Apply(bytes, width, part, actual);

        float[] expected = ByIndex(targetHeight, targetWidth, channels, Resampled);
        for (int i = 0; i < actual.Length; i++)
        {
            Assert.InRange(actual[i] - expected[i], -Close, Close);
        }

        float Resampled(int y, int x, int c)
        {
            double sum = 0, total = 0, wide = Wide(columns, targetWidth), high = Wide(rows, targetHeight);
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                {
                    double down = (((y + 0.5) * rows / targetHeight) - 0.5 - row) / high;
                    double across = (((x + 0.5) * columns / targetWidth) - 0.5 - column) / wide;
                    double weight = Keys(down) * Keys(across);
                    total += weight;
                    sum += weight * bytes[((((part.Top + row) * width) + part.Left + column) * channels) + c] / 255;
                }
            }

            return (float)Math.Clamp(sum / total, 0, 1);
        }

        double Wide(int size, int target) => antialias ? Math.Max(1, (double)size / target) : 1;
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Resampling_to_the_same_size_copies(int seed)
    {
        (int height, int width, int channels, byte[] bytes) = Picture(seed, 24);
        float[] actual = new float[bytes.Length];

        new CropResampler(height, width, channels, antialias: true).Apply(bytes, width, new Rectangle(0, 0, height, width), actual);

        for (int i = 0; i < actual.Length; i++)
        {
            Assert.InRange(actual[i] - (bytes[i] / 255f), -Close, Close);
        }
    }

    // Made by Image.crop and Image.resize(..., Image.BICUBIC) of Pillow 9.4.0, which rounds to whole intensities twice.
    [Theory]
    [InlineData(
        20, 24, 0, 0, 20, 24, 3, 4,
        "82 106 121 142 137 135 125 113 136 120 127 124 153 160 101 140 134 116 111 128 125 140 130 117 "
        + "123 104 126 121 121 123 123 130 128 127 123 129")]
    [InlineData(
        20, 24, 2, 3, 13, 19, 2, 5,
        "118 148 137 153 146 112 162 100 109 117 122 131 124 116 137 156 151 97 122 132 122 107 116 158 "
        + "106 139 116 163 123 100")]
    [InlineData(
        5, 4, 0, 0, 5, 4, 3, 6,
        "1 3 5 1 3 5 1 4 6 3 6 9 6 10 13 7 12 16 41 51 61 41 51 61 41 52 62 43 "
        + "54 65 46 58 69 47 60 72 133 151 169 133 151 169 133 152 170 135 154 173 138 158 177 139 160 180")]
    [InlineData(
        40, 6, 0, 0, 40, 6, 2, 6,
        "119 126 111 119 127 112 111 130 103 114 121 105 120 129 115 133 128 126 119 116 108 119 117 109 "
        + "118 120 112 121 124 106 127 118 104 122 125 131")]
    public void Resampling_with_antialiasing_is_that_of_PIL(
        int height, int width, int top, int left, int rows, int columns, int targetHeight, int targetWidth, string expected)
    {
        byte[] source = new byte[height * width * 3];
        for (int i = 0; i < source.Length; i++)
        {
            (int y, int x, int c) = (i / 3 / width, i / 3 % width, i % 3);
            source[i] = (byte)((x * x * (c + 3) / 4) + (y * (11 + (5 * c))) + (((x / 5) + (y / 3)) % 2 * 90));
        }

        float[] actual = new float[targetHeight * targetWidth * 3];
        new CropResampler(targetHeight, targetWidth, 3, antialias: true)
            .Apply(source, width, new Rectangle(top, left, rows, columns), actual);

        int[] pil = [.. expected.Split(' ').Select(int.Parse)];
        Assert.Equal(pil.Length, actual.Length);
        Assert.All(pil.Zip(actual), pair => Assert.InRange((255 * pair.Second) - pair.First, -1f, 1f));
    }

    // What smoothing is for: a line that falls between the taps is there in the target too.
    [Theory]
    [InlineData(true, 0.05f, 0.15f)]
    [InlineData(false, 0, 0)]
    public void Antialiasing_leaves_no_pixel_of_the_image_out(bool antialias, float least, float most)
    {
        byte[] source = [.. Enumerable.Range(0, 256 * 256).Select(i => (byte)(i % 8 == 0 ? 255 : 0))];
        float[] target = new float[32 * 32];

        new CropResampler(32, 32, 1, antialias).Apply(source, 256, new Rectangle(0, 0, 256, 256), target);

        Assert.All(target, value => Assert.InRange(value, least, most));
    }

    // Keys (1981), equation 15 with a = -1/2.
    private static double Keys(double x)
    {
        x = Math.Abs(x);
        return x < 1 ? (1.5 * Math.Pow(x, 3)) - (2.5 * Math.Pow(x, 2)) + 1
            : x < 2 ? (-0.5 * Math.Pow(x, 3)) + (2.5 * Math.Pow(x, 2)) - (4 * x) + 2
            : 0;
    }

    private static (int Height, int Width, int Channels, byte[] Bytes) Picture(int seed, int largest)
    {
        Random random = new(seed);
        (int height, int width, int channels) = (random.Next(1, largest + 1), random.Next(1, largest + 1), random.Next(1, 4));
        byte[] bytes = new byte[height * width * channels];
        random.NextBytes(bytes);
        return (height, width, channels, bytes);
    }

    private static float[] ByIndex(int height, int width, int channels, Func<int, int, int, float> value) =>
        [.. Enumerable.Range(0, height * width * channels).Select(i => value(i / (width * channels), i / channels % width, i % channels))];
}
