namespace Onward.Data.Augmentation;

/// <summary>A recipe for views (augmented copies) of an image: the operations, their probabilities and their strengths.</summary>
/// <remarks>
/// The operations run in this order: crop, flip, colour jitter, grayscale, blur, solarise (paper's code). A view has one channel or
/// three. Saturation, hue and grayscale do not change images of one channel.
/// </remarks>
public sealed record ViewRecipe
{
    /// <summary>The image without augmentation.</summary>
    public static ViewRecipe None { get; } = new();

    /// <summary>Mirrors half of the images. The published code always does this for CIFAR-10.</summary>
    public static ViewRecipe Flipped { get; } = new() { FlipProbability = 0.5 };

    /// <summary>Crops from four pixels of padding and mirrors half of the images: CIFAR-10 with augmentation (paper's code).</summary>
    public static ViewRecipe PaddedCrop { get; } = Flipped with { Crop = CropKind.Padded };

    /// <summary>Crops 30 % to 100 % of the area and mirrors half of the images: supervised ImageNet (paper's code).</summary>
    public static ViewRecipe AreaCrop { get; } = Flipped with { Crop = CropKind.Area, SmallestArea = 0.3 };

    /// <summary>Adds the colour changes of <see cref="ContrastiveFirst"/> to <see cref="AreaCrop"/>.</summary>
    /// <remarks>
    /// The published code flips a second time here. Two flips have the same distribution as one, so this recipe flips once.
    /// </remarks>
    public static ViewRecipe AreaCropWithColour { get; } = AreaCrop with { ColourJitterProbability = 0.8, GrayscaleProbability = 0.2 };

    /// <summary>The first view of a contrastive pair: always blurred, never solarised (paper's code).</summary>
    public static ViewRecipe ContrastiveFirst { get; } = AreaCropWithColour with { SmallestArea = 0.08, BlurProbability = 1 };

    /// <summary>
    /// The second view of a contrastive pair: blurred with probability 0.1, solarised with probability 0.2 (paper's code).
    /// </summary>
    public static ViewRecipe ContrastiveSecond { get; } = ContrastiveFirst with { BlurProbability = 0.1, SolariseProbability = 0.2 };

    /// <summary>Choice of the part of the image that the view shows. Default: the whole image.</summary>
    public CropKind Crop { get; init; } = CropKind.Whole;

    /// <summary>Zeros on each side of an image before a <see cref="CropKind.Padded"/> crop, in pixels; 0 or more.</summary>
    public int Padding { get; init; } = 4;

    /// <summary>
    /// Smallest fraction of the image's area that a <see cref="CropKind.Area"/> crop covers; above 0, at most 1. Default 0.08.
    /// </summary>
    public double SmallestArea { get; init; } = 0.08;

    /// <summary>Probability that the view is mirrored left to right, 0 to 1. Default 0.</summary>
    public double FlipProbability { get; init; }

    /// <summary>
    /// Probability of colour jitter, 0 to 1: brightness, contrast, saturation and hue all change, in random order. Default 0.
    /// </summary>
    public double ColourJitterProbability { get; init; }

    /// <summary>Largest amount added to or subtracted from every intensity, 0 to 1. Default 0.4.</summary>
    public double Brightness { get; init; } = 0.4;

    /// <summary>
    /// Strength of contrast jitter s, 0 to 1: distances from the mean of a channel are multiplied by 1 - s to 1 + s. Default
    /// 0.4.
    /// </summary>
    public double Contrast { get; init; } = 0.4;

    /// <summary>Strength of saturation jitter s, 0 to 1: saturation is multiplied by 1 - s to 1 + s. Default 0.2.</summary>
    public double Saturation { get; init; } = 0.2;

    /// <summary>Largest rotation of the hue in either direction, in turns, 0 to 0.5. Default 0.1.</summary>
    public double Hue { get; init; } = 0.1;

    /// <summary>Probability that the view loses its colours, 0 to 1. Default 0.</summary>
    public double GrayscaleProbability { get; init; }

    /// <summary>Probability that the view is blurred, 0 to 1. Images of fewer than 20 rows are never blurred. Default 0.</summary>
    public double BlurProbability { get; init; }

    /// <summary>Probability that intensities of one half or more are inverted, 0 to 1. Default 0.</summary>
    public double SolariseProbability { get; init; }

    /// <summary>True to draw a blank view again, one in which each channel is constant. Default false, as in the published code.</summary>
    /// <remarks>
    /// A crop of a drawing may contain only background, or be so dark that colour jitter makes it black. The features of a
    /// blank view are almost zero. So the gradient of its cosine similarity is hundreds of times the gradient of any other
    /// view. One blank view in a batch is enough to make the features of all images collapse. Views that are not blank do not
    /// change. If the image itself is blank, the last view drawn is kept.
    /// </remarks>
    public bool RedrawsBlank { get; init; }

    /// <summary>Checks that every property is in its range.</summary>
    /// <exception cref="ArgumentException">A property is out of range; the message lists all faults.</exception>
    public void Validate()
    {
        IReadOnlyList<string> faults = Faults();
        if (faults.Count > 0)
        {
            throw new ArgumentException($"Views: {string.Join("; ", faults)}.");
        }
    }

    /// <summary>Lists the properties that are out of range.</summary>
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
