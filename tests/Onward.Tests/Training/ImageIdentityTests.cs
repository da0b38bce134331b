using System.Security.Cryptography;
using Onward.Data;
using Onward.Formats;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class ImageIdentityTests
{
    [Fact]
    public void Other_pixels_are_other_images()
    {
        string name = ImageIdentity.Of(Data(10, 20, 30));

        Assert.True(ImageIdentity.IsOf(name, Data(10, 20, 30)));
        Assert.False(ImageIdentity.IsOf(name, Data(20, 10, 30)));
        Assert.False(ImageIdentity.IsOf(name, Data(10, 20, 31)));
        Assert.False(ImageIdentity.IsOf(name, Data(10, 20, 30) with { Mean = [0.4f] }));
    }

    [Fact]
    public void Checkpoints_of_version_0_1_go_on_with_the_labels_that_they_name()
    {
        const string Name = "4b12d63a004d7229bbe5eb8465fc88a174f69e5402d981f19816e8cd7d0c350a";

        Assert.True(ImageIdentity.IsOf(Name, Data(10, 20, 30)));
        Assert.True(ImageIdentity.IsOf(Name, Data(20, 10, 30)));
        Assert.False(ImageIdentity.IsOf(Name, Data(10, 20, 30) with { Mean = [0.4f] }));
    }

    [Fact]
    public void A_run_with_shuffled_pixels_is_not_gone_on_with()
    {
        ImageDataset digits = TrainedRun.Digits();
        LabelledImages images = Assert.IsType<LabelledImages>(digits.Training);
        byte[] pixels = images.Pixels.ToArray();
        pixels.AsSpan(0, images.ImageLength).Reverse();
        ImageDataset shuffled = digits with { Training = new LabelledImages(pixels, images.Labels, 28, 28, 1, 10) };
        Checkpoint? kept = null;
        _ = new TrainedRun("supervised sgd", keep: checkpoint => kept = checkpoint, stopAfterSteps: 6);

        ModelFileException fault = Assert.Throws<ModelFileException>(() => new TrainedRun("supervised sgd", kept, data: shuffled));

        Assert.Contains("the run has other images: their pixels", fault.Message);
        _ = new TrainedRun("supervised sgd", kept);
    }

    // The checkpoint that version 0.1 would have written, except for the identity of the images.
    [Fact]
    public void A_checkpoint_of_version_0_1_goes_on()
    {
        Checkpoint? kept = null;
        TrainedRun whole = new("supervised sgd");
        _ = new TrainedRun("supervised sgd", keep: checkpoint => kept = checkpoint, stopAfterSteps: 6);
        Checkpoint old = new(
            kept!.Model, kept.Velocity, kept.Average, kept.Feedback, kept.Options, NameOfVersion1(TrainedRun.Digits()), kept.State);

        new TrainedRun("supervised sgd", old).RequireSame(whole);

        ImageDataset fewer = TrainedRun.Digits() with { Test = TrainedRun.Digits().Test.Take(19) };
        Assert.Throws<ModelFileException>(() => new TrainedRun("supervised sgd", old, data: fewer));
    }

    // SHA-256 of sizes, labels and statistics.
    private static string NameOfVersion1(ImageDataset data)
    {
        using MemoryStream bytes = new();
        using BinaryWriter writer = new(bytes);
        foreach (ImageSet images in new[] { data.Training, data.Test })
        {
            int[] numbers = [images.Count, images.Height, images.Width, images.Channels, images.Classes, .. images.Labels.Span];
            foreach (int number in numbers)
            {
                writer.Write(number);
            }
        }

        writer.Write(data.Mean[0]);
        writer.Write(data.StandardDeviation[0]);
        return Convert.ToHexStringLower(SHA256.HashData(bytes.ToArray()));
    }

    private static ImageDataset Data(byte first, byte second, byte test) => new(
        "two",
        new LabelledImages(new[] { first, second }, new[] { 0, 1 }, 1, 1, 1, 2),
        new LabelledImages(new[] { test }, new[] { 1 }, 1, 1, 1, 2),
        [0.5f],
        [0.25f],
        "memory");
}
