using Onward.Models;

namespace Onward.Tests.Models;

public sealed class LocalMixerOptionsTests
{
    private static readonly LocalMixerOptions Valid = new()
    {
        Blocks = 1,
        PatchesPerSide = 2,
        Channels = 4,
        Groups = 2,
        ImageSide = 4,
        ImageChannels = 1,
        Classes = 2,
    };

    public static TheoryData<string> Faults => [.. Faulty.Keys];

    private static Dictionary<string, LocalMixerOptions> Faulty { get; } = new()
    {
        ["blocks must be at least 1; got 0"] = Valid with { Blocks = 0 },
        ["patches per side must be at least 1; got 0"] = Valid with { PatchesPerSide = 0 },
        ["groups must be at least 1; got 0"] = Valid with { Groups = 0 },
        ["channels (5) must be a multiple of groups (2)"] = Valid with { Channels = 5 },
        ["channels (2) must be a multiple of groups (2) with at least 2 channels in each group"] = Valid with { Channels = 2 },
        ["channels (0) must be a multiple"] = Valid with { Channels = 0 },
        ["channels (-4) must be a multiple"] = Valid with { Channels = -4 },
        ["the kernel side must be an odd number, 1 or more; got 4"] = Valid with { KernelSide = 4 },
        ["the kernel side must be an odd number, 1 or more; got -1"] = Valid with { KernelSide = -1 },
        ["the image side must be at least 1 pixel; got 0"] = Valid with { ImageSide = 0 },
        ["the image must have at least 1 channel; got 0"] = Valid with { ImageChannels = 0 },
        ["there must be at least 2 classes; got 1"] = Valid with { Classes = 1 },
        ["the downsampling has one number for each block, of which there are 1; got 2"] = Valid with { Downsample = [2, 1] },
        ["no block follows the last one, so its downsampling must be 1; got 2"] = Valid with { Downsample = [2] },
        ["each downsampling must be 1 to 3, or patches would be missed by a window of 3; got 4,1"] =
            Valid with { Blocks = 2, Downsample = [4, 1] },
        ["each channel ratio must be 1 to 64; got 0,1"] = Valid with { Blocks = 2, ChannelRatio = [0, 1] },
        ["no block follows the last one, so its group ratio must be 1; got 2"] = Valid with { GroupRatio = [2] },
        ["the 4 channels of block 1 must be a multiple of its 6 groups"] = Valid with { Blocks = 2, GroupRatio = [3, 1] },
        ["the 4 channels of block 1 must be a multiple of its 128 groups"] =
            Valid with { Blocks = 13, GroupRatio = [.. Enumerable.Repeat(64, 12), 1] },
        ["channels, more than fit memory"] = Valid with { Blocks = 8, ChannelRatio = [64, 64, 64, 64, 64, 64, 64, 1] },
        ["leave one number in a patch"] = Valid with { PatchesPerSide = 4 },
    };

    [Fact]
    public void Smallest_sizes_are_valid()
    {
        Valid.Validate();
        (Valid with { PatchesPerSide = 1, ImageSide = 2, Groups = 1, Channels = 2 }).Validate();
        (Valid with { PatchesPerSide = 4, ImageChannels = 2 }).Validate();
        (Valid with { PatchesPerSide = 8, ImageChannels = 2 }).Validate();
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void Fault_is_told(string fault)
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(Faulty[fault].Validate);

        Assert.Contains(fault, exception.Message, StringComparison.Ordinal);
        Assert.Equal(exception.Message, Assert.Throws<ArgumentException>(() => LocalMixer.Build(Faulty[fault])).Message);
    }

    [Fact]
    public void All_faults_are_told_at_once()
    {
        LocalMixerOptions bad =
            new() { Blocks = 0, PatchesPerSide = -1, Channels = 7, Groups = 2, ImageSide = 0, ImageChannels = 0, Classes = 1 };

        string message = Assert.Throws<ArgumentException>(bad.Validate).Message;

        foreach (string fault in (string[])["blocks", "patches per side", "channels (7)", "image side", "image must have", "2 classes"])
        {
            Assert.Contains(fault, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Scaled_blocks_have_sizes_of_their_own()
    {
        LocalMixerOptions options = Valid with
        {
            Blocks = 4,
            PatchesPerSide = 7,
            ImageSide = 28,
            Channels = 12,
            Downsample = [1, 2, 3, 1],
            ChannelRatio = [2, 1, 3, 1],
            GroupRatio = [1, 2, 1, 1],
        };
        Network model = LocalMixer.Build(options);

        Assert.Equal([49, 49, 16, 4], model.Blocks.Select(block => block.Patches));
        Assert.Equal([12, 24, 24, 72], model.Blocks.Select(block => block.Channels));
        Assert.Equal([2, 2, 4, 4], model.Blocks.Select(block => block.Groups));
        Assert.Equal([16, 12, 24, 24], model.Blocks.Select(block => block.Layers[0].Map.Inputs));
        Assert.Equal((49 * 2) + (49 * 2) + (16 * 4) + (4 * 4), options.LocalLosses);
        Assert.Equal(model.Values.Layout.Parameters.Sum(parameter => parameter.Length), options.ParameterCount);
    }

    [Theory]
    [InlineData(32, 8, 4)]
    [InlineData(28, 8, 4)]
    [InlineData(29, 7, 5)]
    [InlineData(28, 1, 28)]
    [InlineData(3, 4, 1)]
    public void Patches_cover_the_image(int side, int patchesPerSide, int patchSide)
    {
        LocalMixerOptions options = Valid with { ImageSide = side, PatchesPerSide = patchesPerSide, ImageChannels = 3 };

        Assert.Equal(patchSide, options.PatchSide);
        Assert.Equal(patchSide * patchSide * 3, options.PatchVector);
        Assert.Equal(patchesPerSide * patchesPerSide, options.Patches);
    }
}
