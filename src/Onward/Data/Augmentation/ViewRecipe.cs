namespace Onward.Data.Augmentation;

/// <summary>How a view of an image is made: what may happen to it, how often and how strongly.</summary>
/// <remarks>
/// The operations follow one another as listed here: crop, flip, colour jitter, grayscale, blur, solarise (spec 5.1). A view
/// has one channel or three; saturation, hue and grayscale leave one channel as it is.
/// </remarks>
public sealed record ViewRecipe
{
    /// <summary>The image as it is.</summary>
    public static ViewRecipe None { get; } = new();

    /// <summary>Half of the images mirrored: what the published code always does to CIFAR-10 (spec P10).</summary>
    public static ViewRecipe Flipped { get; } = new() { FlipProbability = 0.5 };

    /// <summary>A crop out of four pixels of padding, half of the images mirrored: CIFAR-10 with augmentation (spec 6.1).</summary>
    public static ViewRecipe PaddedCrop { get; } = Flipped with { Crop = CropKind.Padded };

    /// <summary>A crop of 30 % to all of the area, half of the images mirrored: ImageNet with labels (spec 6.4).</summary>
    public static ViewRecipe AreaCrop { get; } = Flipped with { Crop = CropKind.Area, SmallestArea = 0.3 };

    /// <summary>
    /// The same with the colours of <see cref="ContrastiveFirst"/>. The published code draws the flip a second time here,
    /// which changes nothing in distribution; this recipe draws it once.
    /// </summary>
    public static ViewRecipe AreaCropWithColour { get; } = AreaCrop with { ColourJitterProbability = 0.8, GrayscaleProbability = 0.2 };

    /// <summary>The first of two views that are compared: always blurred, never solarised (spec 5.1).</summary>
    public static ViewRecipe ContrastiveFirst { get; } = AreaCropWithColour with { SmallestArea = 0.08, BlurProbability = 1 };

    /// <summary>The second of two views that are compared: seldom blurred, sometimes solarised (spec 5.1).</summary>
    public static ViewRecipe ContrastiveSecond { get; } = ContrastiveFirst with { BlurProbability = 0.1, SolariseProbability = 0.2 };

    /// <summary>How the part that is shown is chosen; default the whole image.</summary>
    public CropKind Crop { get; init; } = CropKind.Whole;

    /// <summary>Zeros on each side of an image before a <see cref="CropKind.Padded"/> crop, in pixels; 0 or more.</summary>
    public int Padding { get; init; } = 4;

    /// <summary>The least part of the image's area that a <see cref="CropKind.Area"/> crop takes; above 0, at most 1.</summary>
    public double SmallestArea { get; init; } = 0.08;

    /// <summary>How often the view is mirrored left to right; 0 to 1.</summary>
    public double FlipProbability { get; init; }

    /// <summary>How often the colours change, all four of brightness, contrast, saturation and hue, in random order; 0 to 1.</summary>
    public double ColourJitterProbability { get; init; }

    /// <summary>The most that is added to or taken from every intensity; 0 to 1.</summary>
    public double Brightness { get; init; } = 0.4;

    /// <summary>Distances from the mean of a channel are scaled by up to this much more or less than 1; 0 to 1.</summary>
    public double Contrast { get; init; } = 0.4;

    /// <summary>Saturation is scaled by up to this much more or less than 1; 0 to 1.</summary>
    public double Saturation { get; init; } = 0.2;

    /// <summary>The most that the hue turns either way, in turns; 0 to 0.5.</summary>
    public double Hue { get; init; } = 0.1;

    /// <summary>How often the view loses its colours; 0 to 1.</summary>
    public double GrayscaleProbability { get; init; }

    /// <summary>How often the view is blurred; 0 to 1. Images of fewer than 20 rows are too small to be.</summary>
    public double BlurProbability { get; init; }

    /// <summary>How often bright intensities are turned into dark ones; 0 to 1.</summary>
    public double SolariseProbability { get; init; }

    /// <summary>
    /// Whether a blank view, in which each channel is the same everywhere, is drawn again; default false, as in the published code.
    /// </summary>
    /// <remarks>
    /// A crop of a drawing may be background alone, or be dark enough for colour jitter to turn it black. A blank view has next to no
    /// features, so the cosines that views are compared by have a gradient hundreds of times that of any other view. One in a batch is
    /// enough to make all images alike. All other views stay as they are. Of a blank image the last view drawn is kept.
    /// </remarks>
    public bool RedrawsBlank { get; init; }

    /// <summary>Checks every rule above.</summary>
    /// <exception cref="ArgumentException">Something is out of range; the message lists all of it.</exception>
    public void Validate()
    {
        IReadOnlyList<string> faults = Faults();
        if (faults.Count > 0)
        {
            throw new ArgumentException($"Views: {string.Join("; ", faults)}.");
        }
    }

    /// <summary>What is out of range.</summary>
    internal IReadOnlyList<string> Faults()
    {
        List<string> faults = [];
        Require(Enum.IsDefined(Crop), $"the crop must be one of {string.Join(", ", Enum.GetNames<CropKind>())}; got {Crop}");
        Require(Padding >= 0, $"the padding must be 0 or more pixels; got {Padding}");
        Require(SmallestArea is > 0 and <= 1, $"the smallest area of a crop must be above 0 and at most 1; got {SmallestArea}");
        RequireUpTo(1, FlipProbability, "the probability of a flip");
        RequireUpTo(1, ColourJitterProbability, "the probability of colour jitter");
        RequireUpTo(1, Brightness, "the strength of brightness");
        RequireUpTo(1, Contrast, "the strength of contrast");
        RequireUpTo(1, Saturation, "the strength of saturation");
        RequireUpTo(0.5, Hue, "the strength of hue");
        RequireUpTo(1, GrayscaleProbability, "the probability of grayscale");
        RequireUpTo(1, BlurProbability, "the probability of a blur");
        RequireUpTo(1, SolariseProbability, "the probability of solarising");
        return faults;

        void RequireUpTo(double most, double value, string what) =>
            Require(value >= 0 && value <= most, $"{what} must be 0 to {most}; got {value}");

        void Require(bool holds, FormattableString fault)
        {
            if (!holds)
            {
                faults.Add(FormattableString.Invariant(fault));
            }
        }
    }
}
