using System.CommandLine;
using Onward.Data.Augmentation;

namespace Onward.Cli;

/// <summary>The options that choose the augmentation of training images.</summary>
internal sealed class AugmentationChoice
{
    private static readonly IReadOnlyList<string> BlankViewNames = [.. Enum.GetNames<BlankViews>().Select(name => name.ToLowerInvariant())];

    private readonly Option<string?> _augment = ValueOption.Name(
        "--augment",
        "Random augmentation of training images: none, flip, crop (flip and padded crop), area (flip and random resized crop) "
        + "or area-colour (area and colour jitter). Default: flip for cifar-10, area for folder, none for other data sets",
        AugmentationSettings.Names);
    private readonly Option<double?> _areaMin = ValueOption.Number(
        "--area-min",
        "Smallest fraction of an image's area that a random resized crop shows. "
        + $"Default {ViewRecipe.AreaCrop.SmallestArea}; in contrastive runs {ViewRecipe.ContrastiveFirst.SmallestArea}",
        "above 0 and at most 1",
        value => value is > 0 and <= 1);
    private readonly Option<string?> _blankViews = ValueOption.Name(
        "--blank-views",
        "Treatment of random resized crops that show a single colour: keep or redraw. "
        + "Default: redraw in contrastive runs on greyscale images, otherwise keep",
        BlankViewNames);

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_augment);
        command.Add(_areaMin);
        command.Add(_blankViews);
    }

    /// <summary>Reads the options from the command line.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="dataset">Name of the data set, or null for the default data set.</param>
    /// <param name="contrastive">True if the objective is contrastive.</param>
    internal AugmentationSettings Read(ParseResult parse, string? dataset, bool contrastive)
    {
        string? named = parse.GetValue(_augment);
        if (contrastive && named is not null)
        {
            throw new CommandFault(
                "--augment does not apply to --objective contrastive, which has its own augmentation. Leave it out.");
        }

        if (dataset == Datasets.Text && named is not (null or "none"))
        {
            throw new CommandFault($"--augment {named} changes images; a text has none. Leave it out.");
        }

        string name = contrastive ? ObjectiveSettings.Contrastive : named ?? AugmentationSettings.Default(dataset).Name;
        double? areaMin = parse.GetValue(_areaMin);
        if (areaMin is not null && !contrastive && !AugmentationSettings.CropsByArea(name))
        {
            throw new CommandFault(
                $"--area-min does not apply to --augment {name}. Leave it out, or choose area or area-colour.");
        }

        string? blankViews = parse.GetValue(_blankViews);
        if (blankViews is not null && !contrastive && !AugmentationSettings.CropsByArea(name))
        {
            throw new CommandFault(
                $"--blank-views does not apply to --augment {name}. Leave it out, or choose area or area-colour.");
        }

        return new AugmentationSettings(name, areaMin, blankViews is null ? null : Enum.Parse<BlankViews>(blankViews, ignoreCase: true));
    }
}
