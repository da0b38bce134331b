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
        Assert.Equal(exception.Message, Assert.Throws<ArgumentException>(() => new LocalMixer(Faulty[fault])).Message);
    }

    [Fact]
    public void All_faults_are_told_at_once()
    {
        LocalMixerOptions bad = new() { Blocks = 0, PatchesPerSide = -1, Channels = 7, Groups = 2, ImageSide = 0, ImageChannels = 0, Classes = 1 };

        string message = Assert.Throws<ArgumentException>(bad.Validate).Message;

        foreach (string fault in (string[])["blocks", "patches per side", "channels (7)", "image side", "image must have", "2 classes"])
        {
            Assert.Contains(fault, message, StringComparison.Ordinal);
        }
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
