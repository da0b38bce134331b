using Onward.Data.Augmentation;

namespace Onward.Tests.Data.Augmentation;

public sealed class ColourOperationsTests
{
    // Values up to 1 through about ten float32 roundings, some of which a small range divides by and multiplies with again.
    private const float Close = 2e-6f;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Brightness_and_contrast_follow_their_definitions(int seed)
    {
        Random random = new(seed);
        int channels = random.Next(1, 4);
        float[] image = Picture(random, 7 * 9, channels);
        float amount = (random.NextSingle() * 0.8f) - 0.4f, factor = 0.6f + (0.8f * random.NextSingle());
        double[] means = [.. Enumerable.Range(0, channels).Select(c => image.Where((_, i) => i % channels == c).Average(v => (double)v))];

        AssertNear(Apply(image, pixels => ColourOperations.Brighten(pixels, amount)), i => image[i] + (double)amount);
        AssertNear(
            Apply(image, pixels => ColourOperations.ScaleContrast(pixels, channels, factor)),
            i => ((image[i] - means[i % channels]) * factor) + means[i % channels]);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Saturation_and_hue_agree_with_a_way_through_HSV_in_float64(int seed)
    {
        Random random = new(seed);
        float[] image = Picture(random, 200, 3);
        float factor = 0.8f + (0.4f * random.NextSingle()), turns = (random.NextSingle() * 0.2f) - 0.1f;

        AssertNear(
            Apply(image, pixels => ColourOperations.ScaleSaturation(pixels, factor)),
            ThroughHsv(image, (h, s, v) => (h, Math.Min(s * factor, 1), v)));
        AssertNear(
            Apply(image, pixels => ColourOperations.TurnHue(pixels, turns)),
            ThroughHsv(image, (h, s, v) => (h + turns - Math.Floor(h + turns), s, v)));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Nothing_changes_at_the_neutral_strength(int seed)
    {
        float[] image = Picture(new Random(seed), 100, 3);

        Assert.Equal(image, Apply(image, pixels => ColourOperations.Brighten(pixels, 0)));
        AssertNear(Apply(image, pixels => ColourOperations.ScaleContrast(pixels, 3, 1)), i => image[i]);
        AssertNear(Apply(image, pixels => ColourOperations.ScaleSaturation(pixels, 1)), i => image[i]);
        AssertNear(Apply(image, pixels => ColourOperations.TurnHue(pixels, 0)), i => image[i]);
    }

    [Fact]
    public void A_third_of_a_turn_makes_red_green_and_saturation_0_takes_colour_away()
    {
        float[] turned = Apply([1, 0, 0], pixels => ColourOperations.TurnHue(pixels, 1f / 3));

        AssertNear(turned, i => i == 1 ? 1 : 0);
        Assert.Equal([0.8f, 0.8f, 0.8f], Apply([0.2f, 0.8f, 0.4f], pixels => ColourOperations.ScaleSaturation(pixels, 0)));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Grayscale_and_solarising_follow_their_definitions(int seed)
    {
        float[] image = Picture(new Random(seed), 100, 3);
        image[0] = 0.5f;

        AssertNear(
            Apply(image, pixels => ColourOperations.Gray(pixels)),
            i => (0.2989 * image[i - (i % 3)]) + (0.587 * image[i - (i % 3) + 1]) + (0.114 * image[i - (i % 3) + 2]));
        Assert.Equal(image.Select(x => x < 0.5f ? x : 1 - x), Apply(image, pixels => ColourOperations.Solarise(pixels)));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_result_lies_between_0_and_1(int seed)
    {
        Random random = new(seed);
        float[] image = Picture(random, 300, 3);
        float reach = random.NextSingle();
        Action<float[]>[] operations =
        [
            pixels => ColourOperations.Brighten(pixels, reach),
            pixels => ColourOperations.Brighten(pixels, -reach),
            pixels => ColourOperations.ScaleContrast(pixels, 3, 1 + reach),
            pixels => ColourOperations.ScaleSaturation(pixels, 1 + reach),
            pixels => ColourOperations.TurnHue(pixels, reach / 2),
            pixels => ColourOperations.TurnHue(pixels, -reach / 2),
            pixels => ColourOperations.Gray(pixels),
            pixels => ColourOperations.Solarise(pixels),
        ];

        Assert.All(operations, operation => Assert.All(Apply(image, operation), value => Assert.InRange(value, 0, 1)));
    }

    private static float[] Apply(float[] image, Action<float[]> operation)
    {
        float[] copy = [.. image];
        operation(copy);
        return copy;
    }

    // Bytes as data sets have them, with black, white, gray and pure colours among them.
    private static float[] Picture(Random random, int pixels, int channels)
    {
        float[] image = new float[pixels * channels];
        for (int pixel = 0; pixel < pixels; pixel++)
        {
            int kind = random.Next(6);
            float gray = random.Next(256) / 255f;
            for (int c = 0; c < channels; c++)
            {
                image[(pixel * channels) + c] = kind == 0 ? gray : kind == 1 ? random.Next(2) : random.Next(256) / 255f;
            }
        }

        return image;
    }

    private static void AssertNear(float[] actual, Func<int, double> expected)
    {
        for (int i = 0; i < actual.Length; i++)
        {
            Assert.InRange(actual[i] - Math.Clamp(expected(i), 0, 1), -Close, Close);
        }
    }

    private static Func<int, double> ThroughHsv(
        float[] image, Func<double, double, double, (double Hue, double Saturation, double Value)> change)
    {
        double[] result = new double[image.Length];
        for (int i = 0; i < image.Length; i += 3)
        {
            (double r, double g, double b) = (image[i], image[i + 1], image[i + 2]);
            double v = Math.Max(r, Math.Max(g, b)), range = v - Math.Min(r, Math.Min(g, b));
            double h = range <= 0
                ? 0
                : r == v ? (g - b) / (6 * range)
                : g == v ? ((b - r) / (6 * range)) + (1.0 / 3)
                : ((r - g) / (6 * range)) + (2.0 / 3);
            (h, double s, v) = change(h < 0 ? h + 1 : h, v > 0 ? range / v : 0, v);
            double c = s * v, x = c * (1 - Math.Abs((6 * h % 2) - 1)), m = v - c;
            (double red, double green, double blue) = (int)(6 * h) switch
            {
                0 or 6 => (c, x, 0.0),
                1 => (x, c, 0.0),
                2 => (0.0, c, x),
                3 => (0.0, x, c),
                4 => (x, 0.0, c),
                _ => (c, 0.0, x),
            };
            (result[i], result[i + 1], result[i + 2]) = (red + m, green + m, blue + m);
        }

        return i => result[i];
    }
}
