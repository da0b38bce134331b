using System.CommandLine;
using Onward.Data.Augmentation;

namespace Onward.Cli;

/// <summary>The options that choose how images are changed in training.</summary>
internal sealed class AugmentationChoice
{
    private static readonly IReadOnlyList<string> BlankViewNames = [.. Enum.GetNames<BlankViews>().Select(name => name.ToLowerInvariant())];

    private readonly Option<string?> _augment = ValueOption.Name(
        "--augment",
        "How training images are changed at random: none, flip, crop (flip and padded crop), area (flip and area crop) or area-colour. Default flip for cifar-10, area for folder, else none",
        AugmentationSettings.Names);
    private readonly Option<double?> _areaMin = ValueOption.Number(
        "--area-min",
        $"Least part of an image that an area crop shows. Default {ViewRecipe.AreaCrop.SmallestArea}; contrastive: {ViewRecipe.ContrastiveFirst.SmallestArea}",
        "above 0 and at most 1",
        value => value is > 0 and <= 1);

    private readonly Option<string?> _blankViews = ValueOption.Name(
        "--blank-views",
        "What becomes of an area crop that shows one colour and nothing else: keep it, or redraw it. "
        + "Default redraw for contrastive runs on images of one channel, else keep",
        BlankViewNames);

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_augment);
        command.Add(_areaMin);
        command.Add(_blankViews);
    }

    /// <summary>What the command line says.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="dataset">Name of the data set; null for the default one.</param>
    /// <param name="contrastive">Whether two views of each image are compared.</param>
    internal AugmentationSettings Read(ParseResult parse, string? dataset, bool contrastive)
    {
        string? named = parse.GetValue(_augment);
        if (contrastive && named is not null)
        {
            throw new CommandFault(
                "--augment means nothing to --objective contrastive, whose two views have recipes of their own. Leave it out.");
        }

        string name = contrastive ? ObjectiveSettings.Contrastive : named ?? AugmentationSettings.Default(dataset).Name;
        double? areaMin = parse.GetValue(_areaMin);
        if (areaMin is not null && !contrastive && !AugmentationSettings.CropsByArea(name))
        {
            throw new CommandFault(
                $"--area-min means nothing to --augment {name}, which does not crop by area. Leave it out, or choose area or area-colour.");
        }

        string? blankViews = parse.GetValue(_blankViews);
        if (blankViews is not null && !contrastive && !AugmentationSettings.CropsByArea(name))
        {
            throw new CommandFault(
                $"--blank-views means nothing to --augment {name}, which does not crop by area. Leave it out, or choose area or area-colour.");
        }

        return new AugmentationSettings(name, areaMin, blankViews is null ? null : Enum.Parse<BlankViews>(blankViews, ignoreCase: true));
    }
}
