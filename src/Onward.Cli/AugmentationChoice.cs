using System.CommandLine;
using Onward.Data.Augmentation;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The options that choose how images are changed in training.</summary>
internal sealed class AugmentationChoice
{
    private static readonly Dictionary<string, ViewRecipe> Recipes = new()
    {
        ["none"] = ViewRecipe.None,
        ["flip"] = ViewRecipe.Flipped,
        ["crop"] = ViewRecipe.PaddedCrop,
        ["area"] = ViewRecipe.AreaCrop,
        ["area-colour"] = ViewRecipe.AreaCropWithColour,
    };

    /// <summary>The recipes of one view by name.</summary>
    internal static IReadOnlyList<string> Names { get; } = [.. Recipes.Keys];

    /// <summary>
    /// What becomes of blank views where nothing else is said. Drawings on an even background are mostly of one channel, and their small
    /// crops often blank. Of the crops of photographs hardly any is, and those of CIFAR-10 stay what the published code makes of them.
    /// </summary>
    /// <param name="recipe">Name of the recipe, or contrastive for two views.</param>
    /// <param name="channels">Channels of the images.</param>
    internal static BlankViews DefaultBlankViews(string recipe, int channels) =>
        recipe == ObjectiveChoice.Contrastive && channels == 1 ? BlankViews.Redraw : BlankViews.Keep;

    /// <summary>The recipe of each view of an image.</summary>
    internal static IReadOnlyList<ViewRecipe> Views(string name) => name == ObjectiveChoice.Contrastive ? [ViewRecipe.ContrastiveFirst, ViewRecipe.ContrastiveSecond] : [Recipes[name]];

    private static readonly IReadOnlyList<string> BlankViewNames = [.. Enum.GetNames<BlankViews>().Select(name => name.ToLowerInvariant())];

    private readonly Option<string?> _augment = ValueOption.Name("--augment", "How training images are changed at random: none, flip, crop (flip and padded crop), area (flip and area crop) or area-colour. Default flip for cifar-10, area for folder, else none", Names);
    private readonly Option<double?> _areaMin = ValueOption.Number("--area-min", $"Least part of an image that an area crop shows. Default {ViewRecipe.AreaCrop.SmallestArea}; contrastive: {ViewRecipe.ContrastiveFirst.SmallestArea}", "above 0 and at most 1", value => value is > 0 and <= 1);

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
    internal Settings Read(ParseResult parse, string? dataset, bool contrastive)
    {
        string? named = parse.GetValue(_augment);
        if (contrastive && named is not null)
        {
            throw new CommandFault("--augment means nothing to --objective contrastive, whose two views have recipes of their own. Leave it out.");
        }

        string name = contrastive ? ObjectiveChoice.Contrastive : named ?? Settings.Default(dataset).Name;
        double? areaMin = parse.GetValue(_areaMin);
        if (areaMin is not null && !contrastive && Recipes[name].Crop != CropKind.Area)
        {
            throw new CommandFault($"--area-min means nothing to --augment {name}, which does not crop by area. Leave it out, or choose area or area-colour.");
        }

        string? blankViews = parse.GetValue(_blankViews);
        if (blankViews is not null && !contrastive && Recipes[name].Crop != CropKind.Area)
        {
            throw new CommandFault(
                $"--blank-views means nothing to --augment {name}, which does not crop by area. Leave it out, or choose area or area-colour.");
        }

        return new Settings(name, areaMin, blankViews is null ? null : Enum.Parse<BlankViews>(blankViews, ignoreCase: true));
    }

    /// <summary>How images are changed.</summary>
    /// <param name="Name">Name of the recipe, or contrastive for two views.</param>
    /// <param name="AreaMin">The least area of a crop; null for the recipe's own.</param>
    /// <param name="Blanks">What becomes of blank views; null for the default, which follows the images.</param>
    internal sealed record Settings(string Name, double? AreaMin, BlankViews? Blanks)
    {
        /// <summary>
        /// How a data set is changed where nothing else is said: CIFAR-10 is mirrored, as the published code always does (spec P10),
        /// and photographs in folders are cropped as those of ImageNet.
        /// </summary>
        internal static Settings Default(string? dataset) => new(dataset switch { "cifar-10" => "flip", Datasets.Folder => "area", _ => "none" }, null, null);

        /// <summary>How a network is trained with it.</summary>
        internal TrainingOptions Adapt(TrainingOptions training)
        {
            ViewRecipe[] views = [.. Views(Name).Select(Sized)];
            return Adapt(training with { Augmentation = views[0], SecondView = views.ElementAtOrDefault(1) }, Blanks ?? BlankViews.Keep);
        }

        /// <summary>How a network is trained where that becomes of blank views.</summary>
        internal static TrainingOptions Adapt(TrainingOptions training, BlankViews blankViews)
        {
            bool redraws = blankViews == BlankViews.Redraw;
            return training with
            {
                Augmentation = training.Augmentation with { RedrawsBlank = redraws },
                SecondView = training.SecondView is ViewRecipe second ? second with { RedrawsBlank = redraws } : null,
            };
        }

        private ViewRecipe Sized(ViewRecipe recipe) => AreaMin is double least ? recipe with { SmallestArea = least } : recipe;
    }
}
