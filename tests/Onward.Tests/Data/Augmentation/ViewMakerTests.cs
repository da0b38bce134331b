using Onward.Data.Augmentation;
using Onward.Kernels;

namespace Onward.Tests.Data.Augmentation;

public sealed class ViewMakerTests
{
    private const int Draws = 20_000;

    public static TheoryData<string> Recipes =>
        ["None", "Flipped", "PaddedCrop", "AreaCrop", "AreaCropWithColour", "ContrastiveFirst", "ContrastiveSecond"];

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Views_of_every_recipe_stay_between_0_and_1(string name)
    {
        Random random = new(1);
        foreach (int channels in new[] { 1, 3 })
        {
            float[] view = new float[24 * 20 * channels];
            ViewMaker maker = new(Recipe(name), 3, 24, 20, channels);
            for (int example = 0; example < 200; example++)
            {
                (int height, int width) = example % 2 == 0 ? (24, 20) : (random.Next(1, 60), random.Next(1, 60));
                byte[] image = new byte[height * width * channels];
                random.NextBytes(image);
                view.AsSpan().Fill(float.NaN);

                maker.Make(image, height, width, epoch: 2, example, view: 1, view);

                Assert.DoesNotContain(view, value => !(value >= 0 && value <= 1));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Recipes))]
    public void A_view_does_not_depend_on_those_made_before(string name)
    {
        byte[] image = Picture(3);
        ViewMaker first = new(Recipe(name), 3, 32, 32, 3), second = new(Recipe(name), 3, 32, 32, 3);
        float[][] forwards = [.. Enumerable.Range(0, 20).Select(example => View(first, image, 1, example, 0))];

        float[][] backwards = [.. Enumerable.Range(0, 20).Reverse().Select(example => View(second, image, 1, example, 0)).Reverse()];

        Assert.Equal(forwards, backwards);
    }

    [Fact]
    public void Seed_epoch_example_and_view_each_change_a_view()
    {
        byte[] image = Picture(3);
        ViewMaker maker = new(ViewRecipe.ContrastiveFirst, 3, 32, 32, 3);
        float[] view = View(maker, image, 1, 5, 0);

        Assert.Equal(view, View(maker, image, 1, 5, 0));
        Assert.NotEqual(view, View(maker, image, 2, 5, 0));
        Assert.NotEqual(view, View(maker, image, 1, 6, 0));
        Assert.NotEqual(view, View(maker, image, 1, 5, 1));
        Assert.NotEqual(view, View(new ViewMaker(ViewRecipe.ContrastiveFirst, 4, 32, 32, 3), image, 1, 5, 0));
    }

    [Fact]
    public void The_recipe_None_only_scales()
    {
        byte[] image = Picture(3);

        Assert.Equal(image.Select(value => value / 255f), View(new ViewMaker(ViewRecipe.None, 3, 32, 32, 3), image, 0, 0, 0));
    }

    [Theory]
    [InlineData(500, 375, 224, 224, 86, 23, 328, 328)]
    [InlineData(224, 224, 224, 224, 14, 14, 196, 196)]
    [InlineData(100, 300, 32, 64, 25, 83, 50, 133)]
    [InlineData(1, 1, 32, 32, 0, 0, 1, 1)]
    public void The_centre_is_a_part_of_the_shorter_side(
        int height, int width, int viewHeight, int viewWidth, int top, int left, int rows, int columns) =>
        Assert.Equal(new Rectangle(top, left, rows, columns), Rectangle.Centre(height, width, viewHeight, viewWidth));

    [Theory]
    [InlineData("None")]
    [InlineData("PaddedCrop")]
    [InlineData("Centre")]
    public void An_image_of_another_size_is_first_cropped_at_its_centre(string name)
    {
        byte[] image = new byte[50 * 41 * 3];
        new Random(3).NextBytes(image);
        ViewRecipe recipe = name == "Centre" ? ViewRecipe.None with { Crop = CropKind.Centre } : Recipe(name);
        float[] expected = new float[32 * 32 * 3], actual = new float[32 * 32 * 3];
        new CropResampler(32, 32, 3, antialias: true).Apply(image, 41, new Rectangle(15, 10, 20, 20), expected);

        new ViewMaker(recipe, 3, 32, 32, 3).Make(image, 50, 41, 0, 7, 0, actual);

        ViewParameters drawn = ViewParameters.Draw(recipe, new RandomStream(3, RandomPurpose.Augmentation, Example: 7), 50, 41);
        (int top, int left) = recipe.Crop == CropKind.Padded ? (drawn.Crop.Top, drawn.Crop.Left) : (0, 0);
        for (int y = 0; y < 32; y++)
        {
            for (int x = 0; x < 32 * 3; x++)
            {
                int row = y + top, column = (drawn.Flips ? 31 - (x / 3) : x / 3) + left;
                float value = row is >= 0 and < 32 && column is >= 0 and < 32 ? expected[(((row * 32) + column) * 3) + (x % 3)] : 0;
                Assert.Equal(value, actual[(y * 32 * 3) + x]);
            }
        }
    }

    [Fact]
    public void The_centre_crop_enlarges_the_middle_of_an_image_of_the_view_s_size()
    {
        byte[] image = Picture(3);
        float[] expected = new float[image.Length];
        new CropResampler(32, 32, 3, antialias: true).Apply(image, 32, new Rectangle(8, 8, 16, 16), expected);

        Assert.Equal(expected, View(new ViewMaker(ViewRecipe.None with { Crop = CropKind.Centre }, 3, 32, 32, 3), image, 0, 0, 0));
    }

    // A mark on an even ground: small crops miss it, and dark ones lose it.
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Blank_views_alone_are_drawn_again(int channels)
    {
        byte[] image = new byte[32 * 32 * channels];
        image.AsSpan(((16 * 32) + 16) * channels, 3 * channels).Fill(100);
        ViewRecipe recipe = ViewRecipe.ContrastiveSecond;
        ViewMaker once = new(recipe, 3, 32, 32, channels), again = new(recipe with { RedrawsBlank = true }, 3, 32, 32, channels);
        int blank = 0;
        for (int example = 0; example < 1000; example++)
        {
            float[] view = View(once, image, 1, example, 1), shown = View(again, image, 1, example, 1);
            bool isBlank = IsBlank(view);
            blank += isBlank ? 1 : 0;

            Assert.False(IsBlank(shown));
            Assert.True(isBlank || view.AsSpan().SequenceEqual(shown));
        }

        Assert.InRange(blank, 100, 900);

        bool IsBlank(float[] view) => view.Select((value, i) => (i % channels, value)).Distinct().Count() == channels;
    }

    [Fact]
    public void A_blank_image_has_blank_views()
    {
        ViewRecipe recipe = ViewRecipe.AreaCrop with { RedrawsBlank = true };

        Assert.All(View(new ViewMaker(recipe, 3, 32, 32, 3), new byte[32 * 32 * 3], 0, 0, 0), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Nothing_is_allocated_for_a_view()
    {
        byte[] image = Picture(3);
        float[] view = new float[image.Length];
        ViewMaker maker = new(ViewRecipe.ContrastiveSecond, 3, 32, 32, 3);
        maker.Make(image, 32, 32, 0, 0, 0, view);
        for (int example = 0; example < 100; example++)
        {
            maker.Make(image, 32, 32, 0, example, 0, view);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int example = 0; example < 100; example++)
        {
            maker.Make(image, 32, 32, 1, example, 0, view);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Operations_happen_as_often_as_the_recipe_says(string name)
    {
        ViewRecipe recipe = Recipe(name);
        ViewParameters[] drawn = Drawn(recipe);

        AssertFrequency(recipe.FlipProbability, drawn.Count(view => view.Flips));
        AssertFrequency(recipe.ColourJitterProbability, drawn.Count(view => view.Jitters));
        AssertFrequency(recipe.GrayscaleProbability, drawn.Count(view => view.Grays));
        AssertFrequency(recipe.BlurProbability, drawn.Count(view => view.Blurs));
        AssertFrequency(recipe.SolariseProbability, drawn.Count(view => view.Solarises));
        for (int order = 0; order < 24; order++)
        {
            AssertFrequency(1 / 24.0, drawn.Count(view => view.JitterOrder == order));
        }
    }

    [Fact]
    public void Strengths_are_uniform_between_their_bounds()
    {
        ViewParameters[] drawn = Drawn(ViewRecipe.ContrastiveFirst);

        AssertUniform(-0.4, 0.4, drawn.Select(view => view.Brightness));
        AssertUniform(0.6, 1.4, drawn.Select(view => view.Contrast));
        AssertUniform(0.8, 1.2, drawn.Select(view => view.Saturation));
        AssertUniform(-0.1, 0.1, drawn.Select(view => view.Hue));
        AssertUniform(0.1, 2, drawn.Select(view => view.Deviation));
    }

    [Fact]
    public void Padded_crops_begin_at_each_place_equally_often()
    {
        ViewParameters[] drawn = Drawn(ViewRecipe.PaddedCrop);

        foreach (int place in Enumerable.Range(-4, 9))
        {
            AssertFrequency(1 / 9.0, drawn.Count(view => view.Crop.Top == place));
            AssertFrequency(1 / 9.0, drawn.Count(view => view.Crop.Left == place));
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 50)]
    [InlineData(500, 375)]
    public void Area_crops_lie_inside_the_image(int height, int width)
    {
        Assert.All(Drawn(ViewRecipe.ContrastiveFirst, height, width), view =>
        {
            Rectangle crop = view.Crop;
            Assert.True(crop.Top >= 0 && crop.Left >= 0 && crop.Height >= 1 && crop.Width >= 1, $"{crop}");
            Assert.True(crop.Top + crop.Height <= height && crop.Left + crop.Width <= width, $"{crop}");
        });
    }

    [Fact]
    public void Area_and_shape_of_crops_are_drawn_as_specified()
    {
        // Up to half of a square, no side reaches the image's and nothing is clamped.
        Rectangle[] crops = [.. Drawn(ViewRecipe.ContrastiveFirst, 4000, 4000).Select(view => view.Crop)];
        double[] areas = [.. crops.Select(crop => crop.Height * (double)crop.Width / 16e6)];
        double[] free = [.. areas.Where(area => area < 0.5)];

        AssertFrequency((0.5 - 0.08) / (1 - 0.08), free.Length);
        Assert.InRange(free.Min(), 0.0799, 0.082);
        AssertUniform(
            Math.Log(0.75),
            Math.Log(4 / 3.0),
            crops.Where((_, i) => areas[i] < 0.5).Select(crop => (float)Math.Log(crop.Width / (double)crop.Height)),
            2e-3);
    }

    [Fact]
    public void A_changed_probability_leaves_all_other_draws_as_they_were()
    {
        ViewParameters[] with = Drawn(ViewRecipe.ContrastiveSecond);
        ViewParameters[] without = Drawn(ViewRecipe.ContrastiveSecond with { ColourJitterProbability = 0 });

        Assert.Equal(with.Select(view => view with { Jitters = false }), without);
    }

    [Fact]
    public void Every_fault_of_a_recipe_is_listed()
    {
        ViewRecipe recipe =
            new() { Crop = (CropKind)9, Padding = -1, SmallestArea = 0, FlipProbability = 1.5, Hue = 0.6, BlurProbability = double.NaN };

        ArgumentException fault = Assert.Throws<ArgumentException>(recipe.Validate);

        Assert.Equal(6, fault.Message.Split("; got ").Length - 1);
        Assert.Contains("the probability of a flip must be 0 to 1; got 1.5", fault.Message, StringComparison.Ordinal);
        Assert.All(Recipes, name => Recipe(name.Data).Validate());
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        float[] view = new float[32 * 32 * 3];
        ViewMaker maker = new(ViewRecipe.Flipped, 3, 32, 32, 3);

        Assert.Throws<ArgumentException>(() => maker.Make(new byte[10], 32, 32, 0, 0, 0, view));
        Assert.Throws<ArgumentException>(() => new ViewMaker(ViewRecipe.ContrastiveFirst, 3, 32, 32, 4));
    }

    private static ViewRecipe Recipe(string name) => (ViewRecipe)typeof(ViewRecipe).GetProperty(name)!.GetValue(null)!;

    private static float[] View(ViewMaker maker, byte[] image, int epoch, int example, int view)
    {
        float[] target = new float[image.Length];
        maker.Make(image, 32, 32, epoch, example, view, target);
        return target;
    }

    private static byte[] Picture(int seed)
    {
        byte[] image = new byte[32 * 32 * 3];
        new Random(seed).NextBytes(image);
        return image;
    }

    private static ViewParameters[] Drawn(ViewRecipe recipe, int height = 32, int width = 32) =>
        [
            .. Enumerable.Range(0, Draws)
            .Select(i => ViewParameters.Draw(recipe, new RandomStream(11, RandomPurpose.Augmentation, Example: (uint)i), height, width)),
        ];

    // Five standard errors of a binomial.
    private static void AssertFrequency(double probability, int count) =>
        Assert.InRange(
            count - (probability * Draws),
            -5 * Math.Sqrt(Draws * probability * (1 - probability)),
            5 * Math.Sqrt(Draws * probability * (1 - probability)));

    // Bounds, and the mean and mean square within five standard errors (variances 1/12 and 4/45 on the unit interval).
    private static void AssertUniform(double least, double most, IEnumerable<float> values, double slack = 1e-6)
    {
        double[] unit = [.. values.Select(value => (value - least) / (most - least))];
        Assert.All(unit, value => Assert.InRange(value, -slack, 1 + slack));
        Assert.InRange(unit.Average() - 0.5, -5 * Math.Sqrt(1 / 12.0 / unit.Length), 5 * Math.Sqrt(1 / 12.0 / unit.Length));
        Assert.InRange(unit.Average(u => u * u) - (1 / 3.0), -5 * Math.Sqrt(4 / 45.0 / unit.Length), 5 * Math.Sqrt(4 / 45.0 / unit.Length));
    }
}
