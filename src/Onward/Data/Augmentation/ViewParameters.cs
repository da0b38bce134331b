using Onward.Kernels;

namespace Onward.Data.Augmentation;

/// <summary>The random choices that determine one view.</summary>
internal readonly record struct ViewParameters
{
    private static readonly double MostAspect = Pointwise.Log(4.0 / 3);

    // Distance between the starts of two redraws in the random stream. It exceeds Word.Count, so that new quantities can be added.
    private const int WordsOfADraw = 64;

    // Every quantity has its own word of the stream, drawn even if it is not used. So changing one operation of a recipe leaves
    // the draws of all other operations as they were.
    private enum Word
    {
        CropArea,
        CropAspect,
        CropRow,
        CropColumn,
        Flip,
        Jitter,
        JitterOrder,
        Brightness,
        Contrast,
        Saturation,
        Hue,
        Grayscale,
        Blur,
        Deviation,
        Solarise,
        Count,
    }

    /// <summary>
    /// The part of the source that is shown; the whole source if the crop is not random. A padded crop may begin above or left
    /// of the image.
    /// </summary>
    public required Rectangle Crop { get; init; }

    public required bool Flips { get; init; }

    public required bool Jitters { get; init; }

    /// <summary>Number of the permutation of the four colour operations, 0 to 23.</summary>
    public required int JitterOrder { get; init; }

    /// <summary>Amount added to every intensity.</summary>
    public required float Brightness { get; init; }

    /// <summary>Factor applied to the distance of an intensity from the mean of its channel.</summary>
    public required float Contrast { get; init; }

    /// <summary>Factor applied to the saturation.</summary>
    public required float Saturation { get; init; }

    /// <summary>Rotation of the hue, in turns.</summary>
    public required float Hue { get; init; }

    public required bool Grays { get; init; }

    public required bool Blurs { get; init; }

    /// <summary>Standard deviation of the blur, in pixels.</summary>
    public required float Deviation { get; init; }

    public required bool Solarises { get; init; }

    /// <summary>Draws the choices for one view.</summary>
    /// <param name="recipe">The operations and their probabilities.</param>
    /// <param name="stream">The random stream of this view.</param>
    /// <param name="height">Rows of the source.</param>
    /// <param name="width">Columns of the source.</param>
    /// <param name="redraws">How many times this view was drawn before; each redraw reads other words of the stream.</param>
    internal static ViewParameters Draw(ViewRecipe recipe, RandomStream stream, int height, int width, int redraws = 0)
    {
        Span<uint> words = stackalloc uint[(int)Word.Count];
        CounterRandom.Bits(stream, (uint)(redraws * WordsOfADraw), words);
        return new ViewParameters
        {
            Crop = DrawCrop(recipe, words, height, width),
            Flips = Unit(words, Word.Flip) < recipe.FlipProbability,
            Jitters = Unit(words, Word.Jitter) < recipe.ColourJitterProbability,
            JitterOrder = Below(words, Word.JitterOrder, 24),
            Brightness = (float)Around(words, Word.Brightness, 0, recipe.Brightness),
            Contrast = (float)Around(words, Word.Contrast, 1, recipe.Contrast),
            Saturation = (float)Around(words, Word.Saturation, 1, recipe.Saturation),
            Hue = (float)Around(words, Word.Hue, 0, recipe.Hue),
            Grays = Unit(words, Word.Grayscale) < recipe.GrayscaleProbability,
            Blurs = Unit(words, Word.Blur) < recipe.BlurProbability,
            Deviation = (float)(0.1 + (1.9 * Unit(words, Word.Deviation))),
            Solarises = Unit(words, Word.Solarise) < recipe.SolariseProbability,
        };
    }

    private static Rectangle DrawCrop(ViewRecipe recipe, ReadOnlySpan<uint> words, int height, int width)
    {
        if (recipe.Crop == CropKind.Padded)
        {
            int offsets = (2 * recipe.Padding) + 1;
            return new Rectangle(
                Below(words, Word.CropRow, offsets) - recipe.Padding,
                Below(words, Word.CropColumn, offsets) - recipe.Padding,
                height,
                width);
        }

        if (recipe.Crop != CropKind.Area)
        {
            return new Rectangle(0, 0, height, width);
        }

        double area = (recipe.SmallestArea + ((1 - recipe.SmallestArea) * Unit(words, Word.CropArea))) * height * width;
        double aspect = Pointwise.Exp(Around(words, Word.CropAspect, 0, MostAspect));
        int rows = Math.Clamp((int)Math.Round(Math.Sqrt(area / aspect)), 1, height);
        int columns = Math.Clamp((int)Math.Round(Math.Sqrt(area * aspect)), 1, width);
        return new Rectangle(
            Below(words, Word.CropRow, height - rows + 1), Below(words, Word.CropColumn, width - columns + 1), rows, columns);
    }

    // Uniform in [0, 1).
    private static double Unit(ReadOnlySpan<uint> words, Word word) => words[(int)word] * (1.0 / 4294967296.0);

    private static double Around(ReadOnlySpan<uint> words, Word word, double centre, double reach) =>
        centre + (reach * ((2 * Unit(words, word)) - 1));

    // Uses one word and never rejects, so that each quantity keeps its place in the stream. The bias is below bound / 2^32.
    private static int Below(ReadOnlySpan<uint> words, Word word, int bound) => (int)(((ulong)words[(int)word] * (ulong)bound) >> 32);
}
