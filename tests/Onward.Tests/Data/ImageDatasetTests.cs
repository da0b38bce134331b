using Onward.Data;

namespace Onward.Tests.Data;

public sealed class ImageDatasetTests
{
    private static readonly ImageDataset Pets = Of("cat", "dog", "emu");

    [Fact]
    public void Classes_are_renumbered_by_their_names()
    {
        ImageDataset renumbered = Pets.Renumber(["fox", "emu", "dog", "cat"])!;

        Assert.Equal([3, 2, 1, 3, 2], renumbered.Training.Labels.ToArray());
        Assert.Equal([1, 3], renumbered.Test.Labels.ToArray());
        Assert.Equal([3], renumbered.Validation!.Labels.ToArray());
        Assert.Equal((4, 4), (renumbered.Training.Classes, renumbered.ClassNames.Count));
        Assert.Equal([2, 1], renumbered.Training.SplitLast(2).First.Labels[1..].ToArray());
        Assert.Equal(Pixels(Pets.Training), Pixels(renumbered.Training));
        Assert.Equal(Pixels(Pets.Training.SplitLast(2).Last), Pixels(renumbered.Training.SplitLast(2).Last));
    }

    [Fact]
    public void Equal_names_leave_the_images_as_they_are_and_unknown_ones_have_no_number()
    {
        Assert.Same(Pets, Pets.Renumber(["cat", "dog", "emu"]));
        Assert.Null(Pets.Renumber(["cat", "dog", "cow", "owl"]));
    }

    [Fact]
    public void One_set_stays_one_when_it_is_renumbered_and_is_split_by_the_seed()
    {
        ImageDataset one = Pets with { Test = Pets.Training, Validation = null };

        Assert.True(one.IsOneSet);
        Assert.True(one.Renumber(["emu", "dog", "cat"])!.IsOneSet);
        Assert.False(one.Split(1).IsOneSet);
        Assert.Equal((4, 1), (one.Split(1).Training.Count, one.Split(1).Test.Count));
    }

    private static ImageDataset Of(params string[] names) => new("pets", Images(0, 1, 2, 0, 1), Images(2, 0), [0], [1], "nowhere")
    {
        ClassNames = names,
        Validation = Images(0),
    };

    private static LabelledImages Images(params int[] labels) =>
        new(labels.Select((label, i) => (byte)((10 * label) + i)).ToArray(), labels, 1, 1, 1, 3);

    private static int[] Pixels(ImageSet images)
    {
        RawImage image = new();
        return [.. Enumerable.Range(0, images.Count).Select(example => images.TryRead(example, image) ? image.Pixels[0] : -1)];
    }
}
