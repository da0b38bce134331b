using Onward.Data.Augmentation;
using Onward.Training;

namespace Onward.Runs;

/// <summary>The changes that are made to training images.</summary>
/// <param name="Name">Name of the recipe, or contrastive for two views.</param>
/// <param name="AreaMin">The least area of a crop; null for the recipe's own.</param>
/// <param name="Blanks">The treatment of blank views; null for the default, which follows the images.</param>
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
    /// The default treatment of blank views. Drawings on an even background mostly have one channel, and their small crops are often
    /// blank. Crops of photographs hardly ever are, and the views of CIFAR-10 stay as the published code makes them.
    /// </summary>
    /// <param name="recipe">Name of the recipe, or contrastive for two views.</param>
    /// <param name="channels">Channels of the images.</param>
    internal static BlankViews DefaultBlankViews(string recipe, int channels) =>
        recipe == ObjectiveSettings.Contrastive && channels == 1 ? BlankViews.Redraw : BlankViews.Keep;

    /// <summary>The recipe of each view of an image.</summary>
    internal static IReadOnlyList<ViewRecipe> Views(string name) =>
        name == ObjectiveSettings.Contrastive ? [ViewRecipe.ContrastiveFirst, ViewRecipe.ContrastiveSecond] : [Recipes[name]];

    /// <summary>True if the views of a recipe are crops by area.</summary>
    internal static bool CropsByArea(string name) => Views(name)[0].Crop == CropKind.Area;

    /// <summary>The least area of a crop, given or the recipe's own; null if none is cropped by area.</summary>
    internal double? LeastArea => CropsByArea(Name) ? Sized(Views(Name)[0]).SmallestArea : null;

    /// <summary>
    /// The default changes of a data set. CIFAR-10 is mirrored, as the published code always does (spec P10). Photographs in folders
    /// are cropped like the ones of ImageNet.
    /// </summary>
    internal static AugmentationSettings Default(string? dataset) =>
        new(dataset switch { "cifar-10" => "flip", Datasets.Folder => "area", _ => "none" }, null, null);

    /// <summary>Adds the recipe of each view.</summary>
    internal TrainingOptions Adapt(TrainingOptions training)
    {
        ViewRecipe[] views = [.. Views(Name).Select(Sized).Select(Redrawn)];
        return training with { Augmentation = views[0], SecondView = views.ElementAtOrDefault(1) };
    }

    /// <summary>Names the value that the recipe has no use for; null where it has one for all.</summary>
    internal Func<HostWords, string>? Conflict => CropsByArea(Name) || (AreaMin is null && Blanks != BlankViews.Redraw) ? null
        : say => $"{say.Setting(AreaMin is null ? "blank views" : "area min")} means nothing to {say.Setting("augment")} {Name}, "
            + "which does not crop by area. Leave it out, or choose area or area-colour.";

    private ViewRecipe Redrawn(ViewRecipe recipe) => recipe with { RedrawsBlank = Blanks == BlankViews.Redraw };

    private ViewRecipe Sized(ViewRecipe recipe) => AreaMin is double least ? recipe with { SmallestArea = least } : recipe;
}

/// <summary>The treatment of a view that shows one colour and nothing else.</summary>
internal enum BlankViews
{
    /// <summary>It is trained on, as in the published code.</summary>
    Keep,

    /// <summary>It is drawn again until it shows something.</summary>
    Redraw,
}
