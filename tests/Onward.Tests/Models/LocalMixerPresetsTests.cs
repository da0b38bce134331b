using Onward.Models;

namespace Onward.Tests.Models;

public sealed class LocalMixerPresetsTests
{
    // Counts of the paper's Table 2: all local heads, the readout and all biases included.
    [Theory]
    [InlineData("S/1/1", 28, 1, 10, 271_892)]
    [InlineData("M/1/16", 28, 1, 10, 429_076)]
    [InlineData("M/8/16", 32, 3, 10, 918_770)]
    [InlineData("L/8/64", 32, 3, 10, 13_074_674)]
    [InlineData("L/32/64", 224, 3, 100, 17_335_796)]
    [InlineData("L/32/64", 224, 3, 1000, 26_556_296)]
    public void Preset_has_the_parameters_of_the_paper(string name, int side, int channels, int classes, long count)
    {
        Network model = LocalMixer.Build(LocalMixerPresets.Get(name, side, channels, classes));

        Assert.Equal(count, model.Values.Layout.Count);
    }

    [Fact]
    public void Largest_preset_has_the_backbone_and_the_losses_of_the_paper()
    {
        Network model = LocalMixer.Build(LocalMixerPresets.Get("L/32/64", 224, 3, 100));

        Assert.Equal(16_311_296, model.Blocks.SelectMany(block => block.Layers).Sum(layer => layer.Weight.Length + layer.Bias.Length));
        Assert.Equal(262_144, model.LocalLosses);
    }

    [Fact]
    public void Names_are_the_rows_of_the_table()
    {
        Assert.Equal(["S/1/1", "M/1/16", "M/8/16", "L/8/64", "L/32/64"], LocalMixerPresets.Names);
        Assert.All(LocalMixerPresets.Names, name => LocalMixerPresets.Get(name, 32, 3, 10).Validate());
    }

    [Fact]
    public void Name_may_be_in_any_case() =>
        Assert.Equal(LocalMixerPresets.Get("M/8/16", 32, 3, 10), LocalMixerPresets.Get("m/8/16", 32, 3, 10));

    [Fact]
    public void Unknown_name_is_answered_with_the_known_ones()
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => LocalMixerPresets.Get("XL/1/1", 28, 1, 10));

        Assert.Contains("'XL/1/1'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("S/1/1, M/1/16, M/8/16, L/8/64, L/32/64", exception.Message, StringComparison.Ordinal);
    }
}
