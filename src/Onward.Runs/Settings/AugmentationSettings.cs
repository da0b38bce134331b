using Onward.Data.Augmentation;
using Onward.Training;

namespace Onward.Runs;

/// <summary>How images are changed.</summary>
/// <param name="Name">Name of the recipe, or contrastive for two views.</param>
/// <param name="AreaMin">The least area of a crop; null for the recipe's own.</param>
/// <param name="Blanks">What becomes of blank views; null for the default, which follows the images.</param>
internal sealed record AugmentationSettings(string Name, double? AreaMin, BlankViews? Blanks)
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
        recipe == ObjectiveSettings.Contrastive && channels == 1 ? BlankViews.Redraw : BlankViews.Keep;

    /// <summary>The recipe of each view of an image.</summary>
    internal static IReadOnlyList<ViewRecipe> Views(string name) =>
        name == ObjectiveSettings.Contrastive ? [ViewRecipe.ContrastiveFirst, ViewRecipe.ContrastiveSecond] : [Recipes[name]];

    /// <summary>True if the views of a recipe are crops by area.</summary>
    internal static bool CropsByArea(string name) => Recipes[name].Crop == CropKind.Area;

    /// <summary>
    /// How a data set is changed where nothing else is said: CIFAR-10 is mirrored, as the published code always does (spec P10),
    /// and photographs in folders are cropped as those of ImageNet.
    /// </summary>
    internal static AugmentationSettings Default(string? dataset) =>
        new(dataset switch { "cifar-10" => "flip", Datasets.Folder => "area", _ => "none" }, null, null);

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

/// <summary>What becomes of a view that shows one colour and nothing else.</summary>
internal enum BlankViews
{
    /// <summary>It is trained on, as in the published code.</summary>
    Keep,

    /// <summary>It is drawn again until it shows something.</summary>
    Redraw,
}
